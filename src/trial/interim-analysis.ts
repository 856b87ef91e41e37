/**
 * When a trial may end. It analyzes the results after a few rounds, then after half as many more, and so on, and ends once
 * the answer is clear: a large effect in a quiet guest takes minutes, a noisy guest gets the rounds that it needs. Each
 * interim analysis adds a chance of a false positive, so the level is divided among them before the first measurement:
 * whatever the noise, the overall false-positive rate stays within the level (union bound). Pure.
 */
import { roundsNeeded } from './statistics'

export interface InterimAnalysis {
  /** Rounds completed by then. */
  readonly rounds: number
  /** False-positive rate of this analysis. */
  readonly level: number
}

const MAX_ANALYSES = 4
const GROWTH = 1.5

/**
 * @param tests hypotheses per analysis
 * @param level of all analyses together
 * @param most rounds that the user allows, 1..; undefined: as many as the analyses need
 * @returns at least one analysis, rounds ascending; the last one ends the trial in any case
 */
export function planInterimAnalyses(
  tests: number,
  level: number,
  most?: number,
): readonly [InterimAnalysis, ...InterimAnalysis[]] {
  // Half for the first: with the fewest rounds, significance needs a large share of it. More rounds need less.
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
