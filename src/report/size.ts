/** The size of packets in words. Pure. */
import type { Direction } from './compare'

/** An Ethernet frame with a VLAN tag: what is larger was joined by the driver or the host. */
const FRAME_BYTES = 1518

/** @param offload what joins packets in this direction */
export function describeSize({ meanBytes }: Direction, offload: 'GRO' | 'TSO'): string {
  if (meanBytes === undefined) return 'no packets'
  const joined = meanBytes > FRAME_BYTES ? `, joined by ${offload}` : ''
  return `${meanBytes.toFixed(0)} bytes each${joined}`
}
