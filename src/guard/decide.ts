/**
 * The guard's comparison of two states of a NIC on live traffic: channel counts, or values of other tunables. Pure.
 *
 * A single before-and-after comparison cannot tell a change of the load from an effect of the settings, nor can CPU time
 * per byte: CPU time of other work makes each byte look more expensive when fewer are moved, and a regression need not
 * cost CPU. So the guard alternates (watch.ts): only a rate that falls with the new state, recovers with the earlier
 * one, falls again and recovers again is attributed to the change. On load that varies on its own (noise, slow waves, trends,
 * steps, bursts) the false-positive rate is at most 1 %; test/unit/guard/watch.test.ts simulates it.
 */
import { IDLE_PACKETS_PER_SECOND } from '../kernel/counters'
import { median, quantile } from '../quantile'

/** The time between two readings of the NIC's counters, in the same state at both. */
export interface GuardSlice {
  readonly seconds: number
  /** Both directions. */
  readonly bytes: number
  readonly packets: number
}

export interface Comparison {
  /** worse: clearly, after the change. quiet: too little traffic to tell. */
  readonly verdict: 'worse' | 'not-worse' | 'quiet'
  /** With the numbers; one clause without a full stop. */
  readonly why: string
}

/** The slowest fifth before the change must still be faster than the fastest fifth after it. */
const TAIL = 0.2

/**
 * @param before slices in the state before the change, not empty
 * @param after slices in the new one, not empty
 * @param regressionPercent 1..99: how much lower the typical rate after the change must be
 */
export function compareStates(
  before: readonly GuardSlice[],
  after: readonly GuardSlice[],
  regressionPercent: number,
): Comparison {
  // After the change, too: no traffic at all most likely means that the load has ended. Dead queues are the business
  // of commit-confirm.
  if ([before, after].some((side) => median(side.map(packetRate)) < IDLE_PACKETS_PER_SECOND)) {
    return { verdict: 'quiet', why: `less than ${IDLE_PACKETS_PER_SECOND} packets/s: too little traffic` }
  }
  const rates = { before: before.map(rate), after: after.map(rate) }
  const typical = { before: median(rates.before), after: median(rates.after) }
  const fall = 1 - typical.after / typical.before
  const apart = quantile(rates.after, 1 - TAIL) < quantile(rates.before, TAIL)
  const why = `${megabits(typical.after)} instead of ${megabits(typical.before)} Mb/s`
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
