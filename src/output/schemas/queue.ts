import { z } from 'zod'
import { cpulist } from './cpulist'

const irq = z
  .object({
    irq: z.int(),
    name: z.string(),
    affinity: cpulist,
    effective: cpulist.nullable(),
  })
  .meta({ id: 'irq' })

export const queue = z.object({
  queue: z.int(),
  private: z.boolean(),
  problems: z.array(z.string()),
  rxIrq: irq.nullable(),
  txIrq: irq.nullable(),
  xps: cpulist.nullable(),
  rps: cpulist,
  desired: z.object({ irq: cpulist, xps: cpulist }).nullable(),
})
