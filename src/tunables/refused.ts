import type { ObstacleCode } from '../model'

/** The kernel refused a step for a reason that is not an error: reported as a skip, with the kernel's text. */
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
