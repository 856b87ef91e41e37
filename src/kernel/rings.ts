/** The sizes of a NIC's rings. Pure. */
import { parseWholeNumber } from '../text/numbers'

/** Ring sizes in descriptors. */
export interface Rings {
  readonly rx: number
  readonly rxMaximum: number
  readonly tx: number
  readonly txMaximum: number
}

/** `ethtool -g`: the maxima come first, then the current sizes. @returns undefined where the driver tells no sizes */
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
