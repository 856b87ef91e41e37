/** Which counts are measured, and in which order. */

/** 1, 2, 4 ... plus the maximum and the current count; ascending. */
export function defaultCounts(most: number, current: number): readonly number[] {
  const counts = new Set([most, current])
  for (let count = 1; count < most; count *= 2) counts.add(count)
  return [...counts].sort((a, b) => a - b)
}

/**
 * Randomised blocks: each round has every count once, in random order. A load that drifts, or a disturbance of some
 * minutes, then affects all counts alike.
 * @param randomBelow a whole number in 0..limit-1
 */
export function makeSchedule(
  counts: readonly number[],
  rounds: number,
  randomBelow: (limit: number) => number,
): readonly (readonly number[])[] {
  return Array.from({ length: rounds }, () => {
    const left = [...counts]
    return counts.flatMap(() => left.splice(randomBelow(left.length), 1))
  })
}
