/** Mutants that no test can tell from the program, with the reason. Named as run.mjs prints them. */
const shortcut = 'src/planner/layout.ts: if (pool.length % count === 0 || load.size === 0) return 0 | '
const QUICKER =
  'only saves the search, which finds shift 0 too: every shift is alike without stragglers or load'

export const ACCEPTED = new Map([
  [`${shortcut}pool.length % count === 0 || load.size === 0 -> false`, QUICKER],
  [`${shortcut}|| -> &&`, QUICKER],
  [`${shortcut}% -> *`, QUICKER],
  [
    'src/planner/layout.ts: return peaks.findIndex((peak) => peak < least) | < -> <=',
    'differs only for a peak that is above the least by just the tolerance for rounding',
  ],
])
