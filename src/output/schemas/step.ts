import { z } from 'zod'
import { cpulist } from './cpulist'

/** `plan`, `apply` and the rest print the same step; an outcome is a step with more fields. */
export function stepWith<Shape extends z.ZodRawShape>(more: Shape) {
  const common = { nic: z.string(), reason: z.string() }
  return z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('set-channels'), old: z.int(), new: z.int(), ...common, ...more }),
    z.object({
      kind: z.literal('set-irq-affinity'),
      queue: z.int(),
      direction: z.enum(['rx', 'tx']),
      irq: z.int(),
      old: cpulist,
      new: cpulist,
      ...common,
      ...more,
    }),
    z.object({
      kind: z.literal('set-xps'),
      queue: z.int(),
      old: cpulist,
      new: cpulist,
      ...common,
      ...more,
    }),
  ])
}

export const step = stepWith({}).meta({ id: 'step', description: 'one write' })
