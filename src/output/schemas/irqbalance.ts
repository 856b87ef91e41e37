import { z } from 'zod'

export const irqbalance = z
  .object({
    pid: z.int(),
    interrupts: z.array(z.int()).describe('those that it was asked to leave alone, and has confirmed'),
    problem: z.string().nullable().describe('why it was not asked, or did not take all'),
  })
  .nullable()
  .describe('null: none is running, or there was no need to look')
