/**
 * The guard's comparison of two channel counts on live traffic. Pure.
 *
 * A single before-and-after comparison cannot tell a change of the load from an effect of the settings, nor can CPU time
 * per byte: CPU time of other work makes each byte look more expensive when fewer are moved, and a regression need not
 * cost CPU. So the guard alternates (watch.ts): only a rate that falls with more channels, recovers with fewer, falls
 * again and recovers again is attributed to the channels. On load that varies on its own (noise, slow waves, trends,
 * steps, bursts) the false-positive rate is at most 1 %; test/unit/guard/watch.test.ts simulates it.
 */
import { IDLE_PACKETS_PER_SECOND } from '../kernel/counters'
import { median, quantile } from '../quantile'

/** The time between two readings of the NIC's counters, with the same channels at both. */
export interface GuardSlice {
  readonly seconds: number
  /** Both directions. */
  readonly bytes: number
  readonly packets: number
}

export interface Comparison {
  /** worse: clearly, with more channels. quiet: too little traffic to tell. */
  readonly verdict: 'worse' | 'not-worse' | 'quiet'
  /** With the numbers; one clause without a full stop. */
  readonly why: string
}

/** The slowest fifth with fewer channels must still be faster than the fastest fifth with more. */
const TAIL = 0.2

/**
 * @param fewer slices with fewer channels, not empty
 * @param more slices with more channels, not empty
 * @param regressionPercent 1..99: how much lower the typical rate with more channels must be
 */
export function compareCounts(
  fewer: readonly GuardSlice[],
  more: readonly GuardSlice[],
  regressionPercent: number,
): Comparison {
  // With more channels, too: no traffic at all most likely means that the load has ended. Dead queues are the business
  // of commit-confirm.
  if ([fewer, more].some((side) => median(side.map(packetRate)) < IDLE_PACKETS_PER_SECOND)) {
    return { verdict: 'quiet', why: `less than ${IDLE_PACKETS_PER_SECOND} packets/s: too little traffic` }
  }
  const rates = { fewer: fewer.map(rate), more: more.map(rate) }
  const typical = { fewer: median(rates.fewer), more: median(rates.more) }
  const fall = 1 - typical.more / typical.fewer
  const apart = quantile(rates.more, 1 - TAIL) < quantile(rates.fewer, TAIL)
  const why = `${megabits(typical.more)} instead of ${megabits(typical.fewer)} Mb/s`
  return { verdict: fall > regressionPercent / 100 && apart ? 'worse' : 'not-worse', why }
}

function packetRate({ packets, seconds }: GuardSlice): number {
  return packets / seconds
}

function rate({ bytes, seconds }: GuardSlice): number {
  return bytes / seconds
}

function megabits(bytesPerSecond: number): string {
  return String(Number(((bytesPerSecond * 8) / 1e6).toPrecision(3)))
}
