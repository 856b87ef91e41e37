/**
 * The RSS indirection table (ethtool -x): which receive queues the device spreads flows to. RHEL 9.3 to 9.6 and kernels from
 * 5.18 to before 6.12 leave it as it is when channels change: after a raise it names the old queues only.
 *
 * `ethtool -X NIC default` alone makes it worse there. With the table the driver sends the device a number of queues that
 * it wrote at probe and never again (rss.max_tx_vq, virtnet_init_default_rss()), so those beyond it get nothing at all.
 * A change of channels after it sends the right number (VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET).
 */
import { VqtuneError } from '../errors'
import { classifyRefusal } from '../kernel/ethtool'
import type { CpuList, ObservedNic, RssSpread, Step } from '../model'
import type { System, ToolResult } from '../system/system'
import { shellQuote } from '../text/escape'
import { parseWholeNumber } from '../text/numbers'
import { plural } from '../text/plural'
import { StepRefused } from './refused'
import type { Codec, Desire, Tunable } from './tunable'

const KEY = 'table'
const SWITCH_KEY = 'rss-table'

/** `equal 4`, or a table made by hand by its entries per queue: `0:32 1:96`. */
export const RSS_SPREAD: Codec<RssSpread> = {
  unit: '',
  parse(text) {
    const equal = /^equal (\d{1,5})$/.exec(text)?.[1]
    if (equal !== undefined) {
      const count = parseWholeNumber(equal)
      return count === undefined || count < 1 ? undefined : { equal: count }
    }
    if (!/^\d{1,5}:\d{1,5}(?: \d{1,5}:\d{1,5})*$/.test(text)) return undefined
    return { entries: text.split(' ').map((pair) => pair.split(':').map(Number) as [number, number]) }
  },
  format: (spread) =>
    'equal' in spread
      ? `equal ${spread.equal}`
      : spread.entries.map(([queue, count]) => `${queue}:${count}`).join(' '),
  // vqtune never replaces a table made by hand, and its order is not recorded.
  restorable: (recorded) => ('equal' in recorded ? recorded : undefined),
}

/** Queues that the table names, ascending. */
export function rssQueues(spread: RssSpread): CpuList {
  return 'equal' in spread
    ? Array.from({ length: spread.equal }, (_, queue) => queue)
    : spread.entries.map(([queue]) => queue)
}

/** Queues that the NIC's table names, ascending; undefined if there is none, or it is not known. */
export function namedQueues({ rssTable: table }: Pick<ObservedNic, 'rssTable'>): CpuList | undefined {
  return table === undefined || table === 'unknown' ? undefined : rssQueues(table.spread)
}

export const rssTable: Tunable<RssSpread> = {
  name: 'rss-table',
  noun: 'RSS table',
  codec: RSS_SPREAD,
  switch: {
    key: SWITCH_KEY,
    values: 'boolean',
    default: true,
    help: 'Make the RSS indirection table anew if it is the default for another number of channels, as some kernels leave it. A table made by hand is never changed.',
  },
  isForeign: (now) => 'entries' in now,
  // Channels are changed on the way.
  resets: ['irq-affinity', 'xps'],
  read: (_system, { rssTable: table }) =>
    table === undefined || table === 'unknown' ? [] : [{ key: KEY, value: table.spread, label: 'RSS table' }],
  desire({ nic, settings: { switches } }, settings) {
    const table = nic.rssTable
    if (table === 'unknown') return { wanted: [], skips: switches[SWITCH_KEY] === true ? [UNKNOWN] : [] }
    const [setting] = settings
    if (table === undefined || setting === undefined) return { wanted: [], skips: [] }
    const { value } = setting
    const { current } = nic.channels
    if ('entries' in value) return { wanted: [], skips: [], notes: [byHand(value, current)] }
    // A table of fewer entries than channels cannot name all.
    const equal = Math.min(current, table.size)
    if (value.equal === equal) return { wanted: [], skips: [] }
    if (switches[SWITCH_KEY] !== true) return { wanted: [], skips: [], notes: [stays(value.equal, current)] }
    return rebuilt(nic, value.equal, equal)
  },
  write: (system, step, spread) => writeTable(system, step, spread),
}

const UNKNOWN = { code: 'unknown-table', why: 'ethtool -x fails: the RSS table is unknown' } as const

function rebuilt({ obstacle, channels }: ObservedNic, from: number, to: number): Desire<RssSpread> {
  // Not knowing the maximum is no obstacle: the count stays below the present one.
  if (obstacle !== undefined && obstacle.code !== 'unknown-maximum') {
    const why = `${stays(from, channels.current)}: ${obstacle.why}`
    return { wanted: [], skips: [{ code: obstacle.code, why }] }
  }
  const reason = `the table is the default for ${plural(from, 'channel')}; there are ${channels.current}`
  return { wanted: [{ key: KEY, value: { equal: to }, reason }], skips: [] }
}

function stays(queues: number, channels: number): string {
  return `the RSS table is the default for ${plural(queues, 'channel')} of ${channels}`
}

function byHand({ entries }: Extract<RssSpread, { entries: unknown }>, channels: number): string {
  const named = new Set(entries.map(([queue]) => queue))
  const without = Array.from({ length: channels }, (_, queue) => queue).filter((queue) => !named.has(queue))
  const nothing =
    without.length === 0 ? '' : `; a device that obeys it sends nothing to queue ${without.join(', ')}`
  const shares = entries.map(([queue, count]) => `${queue}:${count}`).join(' ')
  return `the RSS table was made by hand (queue:entries ${shares}) and is left alone${nothing}`
}

/** One command of `ethtool`, without the NIC's name. */
type Change = { readonly channels: number } | 'default'

/**
 * The commands in order. The first changes channels: if the driver refuses that, as with XDP, nothing has happened yet; and
 * if the core refuses it because the table is in use (ethnl_set_channels(), net/ethtool/channels.c), somebody made the
 * table by hand with `equal`, which looks the same. The last also changes channels, for the number that the device uses.
 * @param from the table as it is
 * @param to the table wanted
 * @param channels 2.. in use before and after
 */
export function tableChanges(from: number, to: number, channels: number): readonly Change[] {
  if (to !== channels) return [{ channels: to }, 'default', { channels }]
  // One less than the table names, where that is possible.
  const first = from > 1 && from < channels ? from - 1 : channels - 1
  return [{ channels: first }, { channels }, 'default', { channels: channels - 1 }, { channels }]
}

/** @throws StepRefused if the table was made by hand, or channels cannot be changed; VqtuneError otherwise */
async function writeTable(system: System, step: Step, spread: RssSpread): Promise<void> {
  const { nic } = step
  const from = RSS_SPREAD.parse(step.old)
  const queues = system.list(`${system.paths.sysClassNet}/${nic}/queues`)
  const channels = queues.filter((name) => name.startsWith('tx-')).length
  if (channels < 2) {
    throw new VqtuneError('vanished', `${nic}: its channels were changed before the RSS table could be`)
  }
  // Only such values are planned and restored.
  if (!('equal' in spread)) throw new TypeError('rss-table: a table made by hand is not written')
  const known = from !== undefined && 'equal' in from ? from.equal : channels
  const changes = tableChanges(known, spread.equal, channels)
  for (const [index, change] of changes.entries()) {
    const args = argumentsOf(nic, change)
    const result = await system.run('ethtool', args, { timeoutMs: 15_000 })
    if (result.code === 0 || /unmodified, ignoring/.test(result.stderr + result.stdout)) continue
    throw index === 0
      ? refusalOf(step, result)
      : unfinished(
          step,
          args,
          result,
          changes.slice(index).map((rest) => argumentsOf(nic, rest)),
        )
  }
}

function argumentsOf(nic: string, change: Change): readonly string[] {
  return change === 'default' ? ['-X', nic, 'default'] : ['-L', nic, 'combined', String(change.channels)]
}

/** Nothing has been changed. */
function refusalOf({ nic, old }: Step, result: ToolResult): Error {
  const { code, text } = classifyRefusal(result)
  switch (code) {
    case 'permission':
      return new VqtuneError('permission', `${nic}: making the RSS table needs CAP_NET_ADMIN (${text})`)
    case 'vanished':
      return new VqtuneError('vanished', `${nic}: the NIC went away while its RSS table was made`)
    case 'rss-table':
      return new StepRefused(
        code,
        `the RSS table (${old}) was made by hand and is left alone; ${SWITCH_KEY} = false in vqtune.toml keeps it without trying`,
        text,
      )
    default:
      return new StepRefused(code, 'the RSS table cannot be made anew without a change of channels', text)
  }
}

/** Says how to go on: queues may get nothing until then. */
function unfinished(
  { nic }: Step,
  args: readonly string[],
  result: ToolResult,
  rest: readonly (readonly string[])[],
): Error {
  const { code, text } = classifyRefusal(result)
  if (code === 'vanished') {
    return new VqtuneError('vanished', `${nic}: the NIC went away while its RSS table was made`)
  }
  const command = (words: readonly string[]): string => ['ethtool', ...words].map(shellQuote).join(' ')
  return new VqtuneError(
    'tool-failed',
    `${nic}: ${command(args)} failed in the middle of making the RSS table anew: ${text}; to finish: ${rest.map(command).join('; ')}`,
  )
}
