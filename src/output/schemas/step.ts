import { z } from 'zod'
import type { Step } from '../../model'
import { TUNABLE_NAMES } from '../../tunables/index'

const text = z.string().describe("in the tunable's own text form: a count, or a CPU list")

const members = {
  tunable: z.enum(TUNABLE_NAMES),
  nic: z.string(),
  ifindex: z.int(),
  key: z.string().describe('identifies the setting within NIC and tunable'),
  label: z.string().describe('the setting as shown'),
  file: z.string().nullable().describe('the kernel file; null if a program sets it'),
  old: text,
  new: text,
  reason: z.string(),
} satisfies Readonly<Record<keyof Step, z.ZodType>>

/** All commands print the same step; an outcome is a step with more fields. */
export function stepWith<Shape extends z.ZodRawShape>(more: Shape) {
  return z.object({ ...members, ...more })
}

export const step = stepWith({}).meta({ id: 'step', description: 'one write' })

export const setting = z
  .object({
    tunable: members.tunable,
    key: members.key,
    label: members.label,
    file: members.file,
    value: text,
  })
  .meta({ id: 'setting', description: 'one kernel setting that vqtune tunes, with its current value' })
