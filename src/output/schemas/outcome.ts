import { z } from 'zod'
import { STEP_RESULTS } from '../../planner/reconcile'
import { stepWith } from './step'

export const outcome = stepWith({
  result: z.enum(STEP_RESULTS),
  why: z.string().nullable().describe('why not, for refused and failed'),
  at: z.string().describe('ISO 8601'),
}).meta({ id: 'outcome', description: 'one write and its outcome' })
