/** The sizes of a NIC's rings: text of `ethtool -g`, since RHEL 8's ethtool and others up to 6.1 have no JSON of them. */
import type { Rings } from '../model'
import type { System } from '../system/system'
import { parseWholeNumber } from '../text/numbers'

/** `ethtool -g`: the maxima come first, then the current sizes. @returns undefined where the driver tells no sizes. Pure. */
export function parseRings(text: string): Rings | undefined {
  const all = (name: 'RX' | 'TX'): readonly (number | undefined)[] =>
    [...text.matchAll(new RegExp(`^${name}:[ \t]*(\\S+)[ \t\r]*$`, 'gm'))].map((match) =>
      parseWholeNumber(match[1]),
    )
  const [rxMaximum, rx] = all('RX')
  const [txMaximum, tx] = all('TX')
  return rxMaximum === undefined || rx === undefined || txMaximum === undefined || tx === undefined
    ? undefined
    : { rx, rxMaximum, tx, txMaximum }
}

/** @returns 'unsupported' where the driver tells no sizes; 'unknown' when ethtool fails or cannot be asked */
export async function readRings(system: System, nic: string): Promise<Rings | 'unsupported' | 'unknown'> {
  return system.run('ethtool', ['-g', nic]).then(
    ({ code, stdout, stderr }) =>
      parseRings(stdout) ??
      (code === 0 || /not supported/i.test(stdout + stderr) ? 'unsupported' : 'unknown'),
    () => 'unknown',
  )
}
