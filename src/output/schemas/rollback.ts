import { z } from 'zod'
import { convergence } from './convergence'
import { document } from './document'
import { irqbalance } from './irqbalance'
import { step } from './step'

export const rollback = document('vqtune rollback --json', convergence)

export const rollbackIrqbalance = document('vqtune rollback --irqbalance --json', { irqbalance })

export const rollbackDryRun = document('vqtune rollback --dry-run --json', { steps: z.array(step) })
