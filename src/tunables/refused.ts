import type { ObstacleCode } from '../model'

/** The kernel declined a step for a reason that is not a fault: reported as a skip, with its own words. */
export class StepRefused extends Error {
  override readonly name = 'StepRefused'

  constructor(
    readonly code: ObstacleCode,
    why: string,
    /** The kernel's text (extack or errno). */
    readonly kernelText: string,
  ) {
    super(`${why} (kernel: ${kernelText})`)
  }
}
