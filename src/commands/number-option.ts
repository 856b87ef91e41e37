import { VqtuneError } from '../errors'
import type { OptionValues } from './command'

/** The value of an option that takes a number. @throws VqtuneError kind usage when it is none or out of range */
export function numberOption(
  options: OptionValues,
  name: string,
  fallback: number,
  low: number,
  high: number,
): number {
  const text = options[name]
  if (typeof text !== 'string') return fallback
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (value >= low && value <= high) return value
  throw new VqtuneError('usage', `--${name} ${text}: must be ${low} to ${high}`)
}
