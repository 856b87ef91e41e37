import { z } from 'zod'
import { DRIFT_KINDS } from '../../drift/classify'
import { DRIFT_ACTIONS, type DriftRecord, OWN_ACTIONS, OWN_KINDS } from '../../drift/history'

export const driftRecord = z
  .object({
    at: z.string(),
    kind: z.enum([...DRIFT_KINDS, ...OWN_KINDS]),
    nic: z.string().nullable().describe('null for the guest as a whole'),
    old: z.string(),
    new: z.string(),
    writer: z.string().describe('a program, kernel, vqtune, or unknown'),
    evidence: z.string(),
    action: z.enum([...DRIFT_ACTIONS, ...OWN_ACTIONS]),
    why: z.string(),
  })
  .meta({ id: 'drift' }) satisfies z.ZodType<DriftRecord>
