/**
 * The guard's judgement of a channel change on live traffic. Pure. It must not take a change of the load for one of the
 * settings: a rate that falls because less is asked for does not make each byte dearer. So a step back needs both, by more
 * than the configured percentage, and without any overlap between the slices before and after.
 */

/** One slice of the time before or after the change. */
export interface GuardSlice {
  readonly seconds: number
  readonly bytes: number
  readonly packets: number
  /** Busy time of all vCPUs. */
  readonly cpuSeconds: number
}

export interface GuardDecision {
  readonly kind: 'keep' | 'step-back' | 'inconclusive'
  /** With the numbers; one sentence without a full stop. */
  readonly why: string
}

/** With five on each side, no overlap comes by chance in 1 of 252. */
export const LEAST_SLICES = 5
const LEAST_PACKETS_PER_SECOND = 50

/**
 * @param regressionPercent 1..99: how much lower the rate and how much higher the CPU time for a byte must be. Up to
 *   half of it is noise, in between is the hysteresis: neither kept for good nor stepped back, but inconclusive.
 */
export function decideGuard(
  before: readonly GuardSlice[],
  after: readonly GuardSlice[],
  regressionPercent: number,
): GuardDecision {
  if (before.length < LEAST_SLICES || after.length < LEAST_SLICES) {
    return { kind: 'inconclusive', why: `fewer than ${LEAST_SLICES} slices were measured` }
  }
  const quiet = [before, after].some((side) => middle(side.map(packetRate)) < LEAST_PACKETS_PER_SECOND)
  if (quiet)
    return {
      kind: 'inconclusive',
      why: `less than ${LEAST_PACKETS_PER_SECOND} packets/s: too little traffic`,
    }
  const rates = { before: before.map(rate), after: after.map(rate) }
  const costs = { before: before.map(cost), after: after.map(cost) }
  const fall = 1 - middle(rates.after) / middle(rates.before)
  const rise = middle(costs.after) / middle(costs.before) - 1
  const why = `rate ${signed(-fall)}, CPU time for a byte ${signed(rise)}`
  const limit = regressionPercent / 100
  const isApart =
    Math.max(...rates.after) < Math.min(...rates.before) &&
    Math.min(...costs.after) > Math.max(...costs.before)
  if (fall > limit && rise > limit && isApart) return { kind: 'step-back', why }
  if (fall <= limit / 2) return { kind: 'keep', why }
  return { kind: 'inconclusive', why: `${why}: not clearly the channels' doing` }
}

function packetRate({ packets, seconds }: GuardSlice): number {
  return seconds > 0 ? packets / seconds : 0
}

function rate({ bytes, seconds }: GuardSlice): number {
  return seconds > 0 ? bytes / seconds : 0
}

function cost({ bytes, cpuSeconds }: GuardSlice): number {
  return cpuSeconds / Math.max(1, bytes)
}

/** The upper of the two middle values of an even number: precise enough here. */
function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
}

function signed(share: number): string {
  return `${share < 0 ? '' : '+'}${(share * 100).toFixed(0)} %`
}
