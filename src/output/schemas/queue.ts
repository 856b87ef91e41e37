import { z } from 'zod'
import { cpulist } from './cpulist'

const irq = z
  .object({
    irq: z.int(),
    name: z.string(),
    affinity: cpulist.nullable(),
    effective: cpulist.nullable(),
  })
  .meta({ id: 'irq' })

export const queue = z.object({
  queue: z.int(),
  private: z.boolean(),
  problems: z.array(z.string()),
  rxIrq: irq.nullable(),
  txIrq: irq.nullable(),
  desired: z.object({ irq: cpulist, xps: cpulist }).nullable(),
})
