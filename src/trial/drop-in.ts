/** The drop-in that makes a trial's result permanent: without it the daemon would restore the old channels. */
import type { ObservedNic } from '../model'

/** The name contains nothing that leads out of the directory. */
export function dropInName(nic: string): string {
  return `50-trial-${nic.replace(/[^A-Za-z0-9_.-]/g, '-')}.toml`
}

/** Matched by MAC, since names may change. A cap of an earlier file is lifted, as it would still apply. */
export function dropInText(nic: Pick<ObservedNic, 'mac'>, channels: number, why: string): string {
  return [
    '# Written by vqtune trial --keep. To undo: remove this file and run systemctl reload vqtuned (without the daemon:',
    '# vqtune apply).',
    `# ${why.replace(/\p{Cc}/gu, ' ')}`,
    '[[nic]]',
    `match = { mac = "${nic.mac}" }`,
    `channels = ${channels}`,
    'cap = "none"',
    '',
  ].join('\n')
}
