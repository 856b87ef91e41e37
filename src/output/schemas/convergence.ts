import { z } from 'zod'
import { ERROR_KINDS } from '../../errors'
import { outcome } from './outcome'
import { skip } from './skip'
import { step } from './step'

/** Output of `apply` and `rollback`. */
export const convergence = {
  converged: z.boolean(),
  outcomes: z.array(outcome),
  skips: z.array(skip),
  missing: z.array(step),
  failure: z.object({ kind: z.enum(ERROR_KINDS), message: z.string() }).nullable(),
}
