/**
 * What the samples of a trial show. Pure. Every arm but the present one is tested twice: does it move more, and does it
 * cost less CPU? All tests are corrected together (Holm), so that the false-positive rate is at most the level; see
 * interim-analysis.ts for how the analyses of one trial share it.
 */
import { IDLE_PACKETS_PER_SECOND } from '../kernel/counters'
import { median } from '../quantile'
import { type Arm, describeArm, distinctArms, isSameArm } from './arm'
import { centreInterval, chanceOfGreater, hodgesLehmann, holm } from './statistics'

/** One arm measured once. */
export interface Sample {
  readonly round: number
  readonly arm: Arm
  /** Work per second: bytes, or runs of a command that moves nothing. */
  readonly rate: number
  /** Busy vCPU seconds per unit of work; 0 if nothing was moved. */
  readonly cost: number
  /** Packets per second, both directions. */
  readonly packets: number
  /** 99 of 100 small requests took at most this long; undefined: not measured. */
  readonly p99Ms?: number | undefined
}

/** False-positive rate of all comparisons and all interim analyses of a trial together. */
export const LEVEL = 0.05
/** Smaller gains are not worth a change, even if they are significant. */
const MIN_GAIN = 0.03
const MIN_SAVING = 0.1
/** How much throughput a cheaper arm may cost at worst. */
const TOLERATED_LOSS = 0.05
/** More throughput, or less CPU time, is no gain where small requests take this many times as long. */
const LONG_DELAY = 2

/** A ratio to the present arm: 1.2 is 20 % more. Each interval has a confidence of 95 % or more. */
export interface Ratio {
  readonly estimate: number
  readonly low: number
  readonly high: number
}

/** delayed: faster or cheaper, but small requests wait; same: a gain that is worth a change is ruled out. */
export const FINDINGS = ['faster', 'slower', 'cheaper', 'delayed', 'same', 'not-shown'] as const

export interface ArmComparison {
  readonly arm: Arm
  readonly rate: Ratio
  readonly cost: Ratio
  /** Of the 99th percentile of small requests; undefined: not measured. */
  readonly latency: Ratio | undefined
  /** Corrected p-values. */
  readonly chanceFaster: number
  readonly chanceCheaper: number
  readonly chanceSlower: number
  readonly finding: (typeof FINDINGS)[number]
}

/**
 * better: more is moved; cheaper: as much for less CPU; stay: every other arm is slower, delayed or as good as the same;
 * else inconclusive.
 */
export const VERDICTS = ['better', 'cheaper', 'stay', 'inconclusive'] as const

export interface TrialVerdict {
  readonly kind: (typeof VERDICTS)[number]
  /** The recommended one: the present one unless better or cheaper. */
  readonly arm: Arm
  readonly why: string
  readonly comparisons: readonly ArmComparison[]
}

/**
 * @param busyCheck false for a command that moves no packets: it is rated by its run time
 * @param level false-positive rate of this analysis
 * @param anyLatency whether it does not matter how long small requests take
 */
export function judgeTrial(
  samples: readonly Sample[],
  present: Arm,
  busyCheck: boolean,
  level = LEVEL,
  anyLatency = false,
): TrialVerdict {
  const others = distinctArms(samples.map(({ arm }) => arm)).filter((arm) => !isSameArm(arm, present))
  const inconclusive = (why: string, comparisons: readonly ArmComparison[] = []): TrialVerdict => ({
    kind: 'inconclusive',
    arm: present,
    why,
    comparisons,
  })
  const packets = median(samples.map((sample) => sample.packets))
  if (samples.length === 0 || others.length === 0) return inconclusive('nothing was compared')
  if (busyCheck && !(packets >= IDLE_PACKETS_PER_SECOND)) {
    return inconclusive(
      `too little traffic: ${packets.toFixed(0)} packets/s, ${IDLE_PACKETS_PER_SECOND} are needed`,
    )
  }
  const pairs = others.map((arm) => pairsOf(samples, present, arm))
  if (pairs.some(({ rate }) => rate.length === 0)) return inconclusive('the traffic stopped during the trial')
  const comparisons = compare(others, pairs, level, anyLatency)
  const best = comparisons
    .filter(({ finding }) => finding === 'faster')
    .sort((a, b) => b.rate.estimate - a.rate.estimate)[0]
  if (best !== undefined) {
    const why = `${moves(best.arm)} ${percent(best.rate)} compared with ${shortly(present)}`
    return { kind: 'better', arm: best.arm, why, comparisons }
  }
  const cheapest = comparisons
    .filter(({ finding }) => finding === 'cheaper')
    .sort((a, b) => a.cost.estimate - b.cost.estimate)[0]
  if (cheapest !== undefined) {
    const why = `${moves(cheapest.arm)} as much as ${shortly(present)}, with CPU time ${percent(cheapest.cost)}`
    return { kind: 'cheaper', arm: cheapest.arm, why, comparisons }
  }
  const delayed = comparisons.find(({ finding }) => finding === 'delayed')
  if (comparisons.every(({ finding }) => ['slower', 'delayed', 'same'].includes(finding))) {
    if (delayed !== undefined) return { kind: 'stay', arm: present, why: whyDelayed(delayed), comparisons }
    const other = onlyChannels(present) ? 'every other count' : 'every other combination'
    const why = comparisons.every(({ finding }) => finding === 'slower')
      ? `${other} moves less than ${shortly(present)}`
      : `${other} moves less, or neither ${MIN_GAIN * 100} % more nor as much for ${MIN_SAVING * 100} % less CPU time`
    return { kind: 'stay', arm: present, why, comparisons }
  }
  if (delayed !== undefined) return inconclusive(whyDelayed(delayed), comparisons)
  return inconclusive(
    `no other ${onlyChannels(present) ? 'count' : 'combination'} is significantly better`,
    comparisons,
  )
}

function whyDelayed({ arm, rate, latency }: ArmComparison): string {
  const gain = `${describeArm(arm)}: throughput ${percent(rate)}`
  return `${gain}, but 99 of 100 small requests take up to ${latency?.estimate.toFixed(1)} times as long`
}

/** Whether more rounds would not change the answer, or there is nothing to measure. */
export function isSettled({ kind, comparisons }: TrialVerdict): boolean {
  return kind !== 'inconclusive' || comparisons.length === 0
}

function onlyChannels({ switches }: Arm): boolean {
  return Object.keys(switches).length === 0
}

/** `4 channels move`, `1 channel with rps spread moves` */
function moves(arm: Arm): string {
  return `${describeArm(arm)} ${arm.channels === 1 ? 'moves' : 'move'}`
}

/** After "compared with": `4`, or `4 channels with rps off`. */
function shortly(arm: Arm): string {
  return onlyChannels(arm) ? String(arm.channels) : describeArm(arm)
}

interface Pairs {
  /** Differences of logarithms within a round: ratios that can be averaged. */
  readonly rate: readonly number[]
  readonly cost: readonly number[]
  readonly latency: readonly number[]
}

function pairsOf(samples: readonly Sample[], present: Arm, arm: Arm): Pairs {
  const rate: number[] = []
  const cost: number[] = []
  const latency: number[] = []
  for (const one of samples.filter((sample) => isSameArm(sample.arm, arm))) {
    const base = samples.find((sample) => sample.round === one.round && isSameArm(sample.arm, present))
    if (base === undefined) continue
    if (one.rate > 0 && base.rate > 0) rate.push(Math.log(one.rate / base.rate))
    if (one.cost > 0 && base.cost > 0) cost.push(Math.log(one.cost / base.cost))
    const [after, before] = [one.p99Ms ?? 0, base.p99Ms ?? 0]
    if (after > 0 && before > 0) latency.push(Math.log(after / before))
  }
  return { rate, cost, latency }
}

function compare(
  others: readonly Arm[],
  pairs: readonly Pairs[],
  level: number,
  anyLatency: boolean,
): ArmComparison[] {
  const negated = (values: readonly number[]): number[] => values.map((value) => -value)
  const wins = holm([
    ...pairs.map(({ rate }) => chanceOfGreater(rate)),
    ...pairs.map(({ cost }) => chanceOfGreater(negated(cost))),
  ])
  const losses = holm(pairs.map(({ rate }) => chanceOfGreater(negated(rate))))
  return others.map((arm, i) => {
    const rate = ratioOf(pairs[i]?.rate ?? [], level)
    const cost = ratioOf(pairs[i]?.cost ?? [], level)
    const delays = pairs[i]?.latency ?? []
    const latency = delays.length === 0 ? undefined : ratioOf(delays, level)
    const chanceFaster = wins[i] ?? 1
    const chanceCheaper = wins[others.length + i] ?? 1
    const chanceSlower = losses[i] ?? 1
    const alone = findingOf(
      {
        faster: chanceFaster <= level,
        slower: chanceSlower <= level,
        cheaper: chanceCheaper <= level,
      },
      rate,
      cost,
    )
    const isDelayed = !anyLatency && latency !== undefined && latency.estimate >= LONG_DELAY
    const finding = isDelayed && (alone === 'faster' || alone === 'cheaper') ? 'delayed' : alone
    return { arm, rate, cost, latency, chanceFaster, chanceCheaper, chanceSlower, finding }
  })
}

function findingOf(
  shown: { readonly faster: boolean; readonly slower: boolean; readonly cheaper: boolean },
  rate: Ratio,
  cost: Ratio,
): ArmComparison['finding'] {
  if (shown.faster && rate.estimate >= 1 + MIN_GAIN) return 'faster'
  if (shown.slower && rate.estimate < 1) return 'slower'
  if (shown.cheaper && cost.estimate <= 1 - MIN_SAVING && rate.low >= 1 - TOLERATED_LOSS) return 'cheaper'
  return rate.high < 1 + MIN_GAIN && cost.low > 1 - MIN_SAVING ? 'same' : 'not-shown'
}

/** The confidence of the interval is 1 - level of the analysis, so that it is valid whenever the trial ends. */
function ratioOf(logarithms: readonly number[], level: number): Ratio {
  if (logarithms.length === 0) return { estimate: 1, low: 0, high: Number.POSITIVE_INFINITY }
  const { low, high, coverage } = centreInterval(logarithms, 1 - level)
  const estimate = Math.exp(hodgesLehmann(logarithms))
  // Too few values for an interval with the requested confidence.
  if (coverage < 1 - level - 1e-9) return { estimate, low: 0, high: Number.POSITIVE_INFINITY }
  return { estimate, low: Math.exp(low), high: Math.exp(high) }
}

/** `+20.1 % (+12.0 to +31.5 %)` */
export function percent({ estimate, low, high }: Ratio): string {
  const show = (ratio: number): string => {
    if (!Number.isFinite(ratio)) return '?'
    const value = (ratio - 1) * 100
    return `${value < 0 ? '' : '+'}${value.toFixed(1)}`
  }
  return `${show(estimate)} % (${show(low)} to ${show(high)} %)`
}
