import { z } from 'zod'
import { LIMITING_FACTORS } from '../../model'
import { MAX_CHANNELS } from '../../planner/target'
import { count, positive } from './number'

export const channels = z.object({
  current: count.describe('queue pairs in use'),
  target: positive.max(MAX_CHANNELS).describe('queue pairs the NIC should have now'),
  ideal: positive
    .max(MAX_CHANNELS)
    .describe('min(vCPUs, host maximum, policy), whether or not it can be set now'),
  maximum: positive.nullable().describe('queue pairs the host exposed; null if unknown'),
  limitedBy: z.enum(LIMITING_FACTORS).meta({
    id: 'limitedBy',
    description: 'what limits the target, or prevents a change of channels',
  }),
})
