import { z } from 'zod'
import { PROBE_VERDICTS } from '../../hypervisor/zerocopy/probe'
import { document } from './document'
import { count } from './number'

export const hostZerocopyProbe = document('vqtune host zerocopy probe --json', {
  seconds: z.number().min(0),
  zeroCopied: count.describe('sends without a copy'),
  copiedAfterAll: count.describe('sends that were attempted but copied on the way'),
  sent: count.describe('packets that the guests sent during the probe'),
  verdict: z.enum(PROBE_VERDICTS),
  running: z.boolean().nullable(),
  interrupted: z.boolean(),
})
