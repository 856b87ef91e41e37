/**
 * When a trial may end. It looks at what it has after a few rounds and again after half as many more, and ends when the
 * answer is clear: a large effect in a quiet guest takes minutes, a noisy one gets the rounds that it needs. Every look
 * is one more chance to be fooled, so the level is shared out among them before the first measurement: whatever the
 * noise is like, all looks together propose something wrong no more often than the whole level says (union bound).
 * Pure.
 */
import { roundsNeeded } from './statistics'

export interface InterimAnalysis {
  /** Rounds that are done then. */
  readonly rounds: number
  /** Chance of a false proposal at this look. */
  readonly level: number
}

const MAX_ANALYSES = 4
const GROWTH = 1.5

/**
 * @param tests questions asked at each look
 * @param level of all looks together
 * @param most rounds that the user allows, 1..; undefined: what the looks need
 * @returns at least one look, rounds ascending; the last one ends the trial in any case
 */
export function planInterimAnalyses(
  tests: number,
  level: number,
  most?: number,
): readonly [InterimAnalysis, ...InterimAnalysis[]] {
  // Half for the first: the fewest rounds that can prove anything need much of it. More rounds need less.
  const first = roundsNeeded(tests, level / 2)
  const rounds = Array.from({ length: MAX_ANALYSES }, (_, i) => Math.round(first * GROWTH ** i))
  const end = most ?? rounds.at(-1) ?? first
  if (end <= first) return [{ rounds: end, level }]
  const later = [...rounds.slice(1).filter((count) => count < end), end]
  return [
    { rounds: first, level: level / 2 },
    ...later.map((count) => ({ rounds: count, level: level / 2 / later.length })),
  ]
}
