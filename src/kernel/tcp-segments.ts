/** /proc/net/snmp. Pure. */
import { parseWholeNumber } from '../text/numbers'

/** TCP segments sent and retransmitted, of this network namespace (/proc/net/snmp); undefined if not available. */
export function parseTcpSegments(
  text: string,
): { readonly sent: number; readonly retransmitted: number } | undefined {
  const [names, values] = [...text.matchAll(/^Tcp: (.*)$/gm)].map((match) => (match[1] as string).split(' '))
  if (names === undefined || values === undefined) return undefined
  const value = (name: string): number | undefined => parseWholeNumber(values[names.indexOf(name)])
  const sent = value('OutSegs')
  const retransmitted = value('RetransSegs')
  return sent === undefined || retransmitted === undefined ? undefined : { sent, retransmitted }
}
