import { z } from 'zod'
import { SOURCE_STATES, type SourceView, type Suspension } from '../../daemon/view'
import { driftRecord } from './drift-record'

const source = z.object({
  name: z.string(),
  state: z.enum(SOURCE_STATES),
  why: z.string().nullable(),
}) satisfies z.ZodType<SourceView>

const suspension = z.object({
  nic: z.string(),
  otherWriter: z.string(),
  until: z.string().nullable().describe('null: until an administrator decides'),
  why: z.string(),
}) satisfies z.ZodType<Suspension>

const view = z.object({
  pid: z.int(),
  checkedAt: z.string(),
  sources: z.array(source),
  suspended: z.array(suspension),
  configValid: z.boolean(),
  problems: z.array(z.string()),
  recentDrift: z.array(driftRecord),
})

export const daemonView = z.union([
  view.extend({ running: z.literal(true) }),
  view.partial().extend({
    running: z
      .literal(false)
      .nullable()
      .describe('null: not visible to this user; the other fields exist only if it is running'),
  }),
])
