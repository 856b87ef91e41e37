/**
 * Nonparametric paired comparison. Traffic is skewed, heavy-tailed and drifts, so everything here works on ranks of
 * differences within a round. Pure.
 */
import { median } from '../quantile'

/** Means of all pairs, each value with itself too, ascending: the basis of the signed-rank test's estimate and interval. */
function walshAverages(values: readonly number[]): number[] {
  const averages: number[] = []
  for (const [i, a] of values.entries()) {
    for (const b of values.slice(i)) averages.push((a + b) / 2)
  }
  return averages.sort((a, b) => a - b)
}

/** Hodges-Lehmann estimate of the centre of differences: as robust as a median, nearly as precise as a mean. */
export function hodgesLehmann(differences: readonly number[]): number {
  return median(walshAverages(differences))
}

/**
 * Distribution of the signed-rank sum when each rank counts with probability 1/2: probabilities by twice the sum (mid-ranks
 * are halves). Exact for any ties.
 */
function rankSumChances(doubledRanks: readonly number[]): Float64Array {
  const total = doubledRanks.reduce((sum, rank) => sum + rank, 0)
  let chances = new Float64Array(total + 1)
  chances[0] = 1
  for (const rank of doubledRanks) {
    const next = new Float64Array(total + 1)
    for (let sum = 0; sum <= total; sum++) {
      const chance = (chances[sum] ?? 0) / 2
      if (chance === 0) continue
      next[sum] = (next[sum] ?? 0) + chance
      next[sum + rank] = (next[sum + rank] ?? 0) + chance
    }
    chances = next
  }
  return chances
}

/**
 * Exact one-sided Wilcoxon signed-rank test: the p-value of differences above zero under the hypothesis that above and
 * below are equally likely. Zeros are left out; without other values it is 1. The smallest possible value is 2^-n.
 */
export function chanceOfGreater(differences: readonly number[]): number {
  const moved = differences.filter((difference) => difference !== 0)
  if (moved.length === 0) return 1
  const sizes = moved.map(Math.abs)
  const doubledRanks = sizes.map((size) => {
    const below = sizes.filter((other) => other < size).length
    const equal = sizes.filter((other) => other === size).length
    return 2 * below + equal + 1
  })
  const observed = doubledRanks.reduce((sum, rank, i) => ((moved[i] ?? 0) > 0 ? sum + rank : sum), 0)
  return rankSumChances(doubledRanks)
    .subarray(observed)
    .reduce((sum, chance) => sum + chance, 0)
}

export interface Interval {
  readonly low: number
  readonly high: number
  /** Coverage probability, 0..1; smaller than requested if there are too few values. */
  readonly coverage: number
}

/** Confidence interval that belongs to the Hodges-Lehmann estimate, by inverting the signed-rank test. */
export function centreInterval(differences: readonly number[], level = 0.95): Interval {
  const averages = walshAverages(differences)
  const chances = rankSumChances(differences.map((_, i) => 2 * (i + 1)))
  let tail = chances[0] ?? 0
  let drop = 0
  for (; 2 * (drop + 1) < chances.length; drop++) {
    const next = tail + (chances[2 * (drop + 1)] ?? 0)
    if (next > (1 - level) / 2) break
    tail = next
  }
  const end = averages.length - 1
  // Never drops so many that the ends would cross.
  const inside = Math.min(drop, end >> 1)
  return {
    low: averages[inside] ?? Number.NaN,
    high: averages[end - inside] ?? Number.NaN,
    coverage: Math.max(0, 1 - 2 * tail),
  }
}

/** Holm's correction: it keeps the family-wise error rate of all tests below the level. Same order as given. */
export function holm(chances: readonly number[]): number[] {
  const order = chances.map((_, i) => i).sort((a, b) => (chances[a] ?? 1) - (chances[b] ?? 1))
  const adjusted = chances.map(() => 1)
  let largest = 0
  for (const [position, index] of order.entries()) {
    largest = Math.max(largest, Math.min(1, (chances[index] ?? 1) * (chances.length - position)))
    adjusted[index] = largest
  }
  return adjusted
}

/** The fewest rounds in which one of several corrected tests can reach the level at all. */
export function roundsNeeded(tests: number, level: number): number {
  return Math.max(5, Math.ceil(Math.log2(tests / level)))
}
