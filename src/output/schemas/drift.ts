import { z } from 'zod'
import { document } from './document'
import { driftRecord } from './drift-record'

export const drift = document('vqtune drift --json', {
  drift: z.array(driftRecord).describe('oldest first'),
})
