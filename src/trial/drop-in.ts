/** The configuration that keeps a trial's winner: without it the daemon would set the channels back. */
import type { ObservedNic } from '../model'

/** Lexically after the shipped example; names hold nothing that leaves the directory. */
export function dropInName(nic: string): string {
  return `50-trial-${nic.replace(/[^A-Za-z0-9_.-]/g, '-')}.toml`
}

/** Matched by MAC: names may change. A cap of an earlier file is lifted, or it would still win. */
export function dropInText(nic: Pick<ObservedNic, 'mac'>, channels: number, why: string): string {
  return [
    '# Written by vqtune trial --keep. To undo it: remove this file, then systemctl reload vqtuned, or without the daemon',
    '# vqtune apply.',
    `# ${why.replace(/\p{Cc}/gu, ' ')}`,
    '[[nic]]',
    `match = { mac = "${nic.mac}" }`,
    `channels = ${channels}`,
    'cap = "none"',
    '',
  ].join('\n')
}
