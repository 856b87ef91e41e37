import { z } from 'zod'
import { convergence } from './convergence'
import { document } from './document'
import { step } from './step'

export const rollback = document('vqtune rollback --json', convergence)

export const rollbackDryRun = document('vqtune rollback --dry-run --json', { steps: z.array(step) })
