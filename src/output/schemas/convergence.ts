import { z } from 'zod'
import { ERROR_KINDS } from '../../errors'
import { irqbalance } from './irqbalance'
import { outcome } from './outcome'
import { skip } from './skip'
import { step } from './step'

/** Output of `apply` and `rollback`. */
export const convergence = {
  converged: z.boolean(),
  outcomes: z.array(outcome),
  skips: z.array(skip),
  missing: z.array(step),
  reverted: z
    .array(
      z.object({
        nic: z.string(),
        from: z.int().describe('the channels with which it lost connectivity'),
        channels: z.int().describe('the channels it was reverted to'),
        why: z.string(),
        failure: z.string().nullable().describe('why reverting failed'),
      }),
    )
    .describe('NICs that lost connectivity with their new channels'),
  irqbalance,
  failure: z.object({ kind: z.enum(ERROR_KINDS), message: z.string() }).nullable(),
}
