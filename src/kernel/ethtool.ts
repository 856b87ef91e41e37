/**
 * ethtool: channels of a NIC. Only text is parsed: JSON output of `-l` does not exist up to 6.11, and 5.8 / 5.13
 * print text with exit status 0 when asked for it.
 */
import { VqtuneError } from '../errors'
import type { ObstacleCode, TunableName } from '../model'
import type { System, ToolResult } from '../system/system'

/** The flags that set each of these, short and long: ethtool(8). */
export const SETTING_FLAGS = {
  channels: ['-L', '--set-channels'],
  rings: ['-G', '--set-ring'],
  'rss-table': ['-X', '--set-rxfh-indir', '--rxfh'],
} as const satisfies Partial<Record<TunableName, readonly string[]>>

export interface Channels {
  /** Combined queue pairs in use; with XDP the driver adds its own, see virtnet_xdp_set(). */
  readonly current: number
  /** Combined queue pairs the device offers. */
  readonly maximum: number
}

/**
 * Parses `ethtool -l`: the first "Combined:" is the pre-set maximum, the second the current setting; the same in
 * every version from 4.8 on, whether unused rows say 0 or n/a.
 * @returns undefined when there are not two numbers.
 */
export function parseChannels(text: string): Channels | undefined {
  const values = [...text.matchAll(/(?<![^\n])Combined:[ \t]+(\d{1,5})[ \t\r]*(?![^\n])/g)].map((match) =>
    Number(match[1]),
  )
  const [maximum, current] = values
  if (values.length !== 2 || maximum === undefined || current === undefined) return undefined
  return { current, maximum }
}

/** The kernel's own words in ethtool's error output: extack text without prefix and offset, or the errno text. */
export function errorText(result: ToolResult): string {
  const lines = result.stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && line !== 'netlink error: Success')
  const extack = lines.find((line) => line.startsWith('netlink error: '))
  const chosen = extack ?? lines[0] ?? `exit status ${result.code}`
  const text = chosen
    .replace(/^netlink error: /, '')
    .replace(/ ?\(offset \d+\)$/, '')
    .replace(/^Cannot (?:set|get) device (?:channel|ring) parameters: /, '')
  return text.trim() === '' ? `exit status ${result.code}` : text
}

/** Asks the device how many channels it has and may have. @returns undefined when it does not have the setting. */
export async function readChannels(system: System, nic: string): Promise<Channels | undefined> {
  const result = await system.run('ethtool', ['-l', nic])
  if (result.code !== 0) {
    const text = errorText(result)
    if (/not supported/i.test(result.stderr)) return undefined
    if (/no device matches|no such device/i.test(result.stderr)) {
      throw new VqtuneError('vanished', `${nic}: the NIC went away or sleeps (ethtool -l: ${text})`)
    }
    throw new VqtuneError('tool-failed', `${nic}: ethtool -l failed: ${text}`)
  }
  const channels = parseChannels(result.stdout)
  if (channels === undefined) {
    const sample = JSON.stringify(result.stdout.slice(0, 60))
    throw new VqtuneError('tool-failed', `${nic}: ethtool -l printed no channel counts but ${sample}`)
  }
  return channels
}

/** Why `ethtool -L` was refused, in terms of what the user can do about it. */
export interface Refusal {
  readonly code: ObstacleCode | 'vanished' | 'permission'
  /** The kernel's words. */
  readonly text: string
}

const REFUSALS: readonly (readonly [RegExp, Refusal['code']])[] = [
  [/not permitted/i, 'permission'],
  [/no device matches|no such device/i, 'vanished'],
  [/AF_XDP|zerocopy/i, 'af-xdp'],
  [/indirection table|RXFH|rxfh|RSS context/i, 'rss-table'],
  [/ntuple|flow rule|rxnfc/i, 'flow-rules'],
  [/memory provider/i, 'memory-provider'],
  [/\bXDP\b/i, 'xdp'],
  [/not supported/i, 'unsupported'],
]

/** Sorts the output of a failed `ethtool -L`; net/ethtool/channels.c has the texts. A bare EINVAL stays 'refused'. */
export function classifyRefusal(result: ToolResult): Refusal {
  const text = errorText(result)
  const code = REFUSALS.find(([pattern]) => pattern.test(result.stderr))?.[1] ?? 'refused'
  return { code, text }
}
