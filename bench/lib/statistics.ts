/** Numbers about numbers. Pure. */
import { quantile } from '../../src/quantile'

export interface Slope {
  /** Units of y for each unit of x. */
  readonly slope: number
  /** Half the width of the 95 % confidence interval. */
  readonly margin: number
}

/**
 * Least squares line with the usual interval for its slope. Neighbouring samples of memory are alike, which makes that
 * interval too narrow; so the residuals' first autocorrelation widens it as for fewer samples.
 * @param points at least 4
 */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): Slope {
  const n = points.length
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / n
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / n
  const squares = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / squares
  const residuals = points.map(([x, y]) => y - meanY - slope * (x - meanX))
  const energy = residuals.reduce((sum, r) => sum + r * r, 0)
  const lagged = residuals.slice(1).reduce((sum, r, i) => sum + r * (residuals[i] ?? 0), 0)
  const alike = energy === 0 ? 0 : Math.min(0.95, Math.max(0, lagged / energy))
  const effective = Math.max(4, (n * (1 - alike)) / (1 + alike))
  const error = Math.sqrt(energy / (effective - 2) / (squares * (effective / n)))
  return { slope, margin: studentT(effective - 2) * error }
}

/** Two-sided 95 % quantile of Student's t; the expansion is right to 1 % from 2 degrees of freedom on. */
function studentT(freedom: number): number {
  const z = 1.959964
  const g1 = (z ** 3 + z) / 4
  const g2 = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96
  const g3 = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384
  const g4 = (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160
  return z + g1 / freedom + g2 / freedom ** 2 + g3 / freedom ** 3 + g4 / freedom ** 4
}

/** `12.3 (11.8 to 14.0)`: the median and the middle half. */
export function spread(values: readonly number[], digits = 1): string {
  const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(values, share).toFixed(digits))
  return `${middle} (${low} to ${high})`
}
