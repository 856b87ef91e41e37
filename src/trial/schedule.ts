/** Which numbers of channels are measured, and in which order. */

/** 1, 2, 4 ... plus the maximum and the current count; ascending. */
export function defaultCounts(most: number, current: number): readonly number[] {
  const counts = new Set([most, current])
  for (let count = 1; count < most; count *= 2) counts.add(count)
  return [...counts].sort((a, b) => a - b)
}

/** The present count and the maximum, ascending: among other things that are varied. */
export function fewCounts(most: number, current: number): readonly number[] {
  return [...new Set([current, most])].sort((a, b) => a - b)
}

/**
 * Randomised blocks: each round has every arm once, in random order. A load that drifts, or a disturbance of some
 * minutes, then affects all arms alike.
 * @param randomBelow a whole number in 0..limit-1
 */
export function makeSchedule<Arm>(
  arms: readonly Arm[],
  rounds: number,
  randomBelow: (limit: number) => number,
): readonly (readonly Arm[])[] {
  return Array.from({ length: rounds }, () => {
    const left = [...arms]
    return arms.flatMap(() => left.splice(randomBelow(left.length), 1))
  })
}
