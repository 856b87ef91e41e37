/** The drop-in that makes a trial's result permanent: without it the daemon would restore the old channels. */
import type { ObservedNic, SwitchValue } from '../model'
import type { Arm } from './arm'
import { CHANNELS } from './factors'

/** The name contains nothing that leads out of the directory. */
export function dropInName(nic: string): string {
  return `50-trial-${nic.replace(/[^A-Za-z0-9_.-]/g, '-')}.toml`
}

/**
 * Matched by MAC, since names may change. A cap of an earlier file is lifted, as it would still apply.
 * @param varied names of the factors: what the trial did not vary is not fixed
 */
export function dropInText(
  nic: Pick<ObservedNic, 'mac'>,
  { channels, switches }: Arm,
  varied: readonly string[],
  why: string,
): string {
  return [
    '# Written by vqtune trial --keep. To undo: remove this file and run systemctl reload vqtuned (without the daemon:',
    '# vqtune apply).',
    `# ${why.replace(/\p{Cc}/gu, ' ')}`,
    '[[nic]]',
    `match = { mac = "${nic.mac}" }`,
    ...(varied.includes(CHANNELS) ? [`channels = ${channels}`, 'cap = "none"'] : []),
    ...Object.entries(switches).map(([key, value]) => `${key} = ${tomlValue(value)}`),
    '',
  ].join('\n')
}

/** What tunables declare: words without anything to escape, and numbers. */
function tomlValue(value: SwitchValue): string {
  return typeof value === 'string' ? `"${value}"` : String(value)
}
