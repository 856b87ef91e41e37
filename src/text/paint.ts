/** Colours, off unless standard output is a terminal that is not dumb and NO_COLOR is unset (no-color.org). */
import colors from 'yoctocolors'

export interface Paint {
  readonly good: (text: string) => string
  readonly warn: (text: string) => string
  readonly bad: (text: string) => string
  readonly dim: (text: string) => string
}

const plain = (text: string): string => text

/** @param color the decision of main.ts, not this library's own guess */
export function paint(color: boolean): Paint {
  return color
    ? { good: colors.green, warn: colors.yellow, bad: colors.red, dim: colors.dim }
    : { good: plain, warn: plain, bad: plain, dim: plain }
}
