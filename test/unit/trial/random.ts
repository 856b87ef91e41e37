import { evenNumbers } from '../../support/even-numbers'

/** Repeatable noise: Box-Muller makes the normal ones. */
export function seeded(seed: number): { uniform: () => number; normal: () => number } {
  const uniform = evenNumbers(seed)
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  return { uniform, normal }
}
