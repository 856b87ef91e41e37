import { z } from 'zod'
import { REPLACED_KINDS } from '../../capture/anonymise'
import { document } from './document'
import { count } from './number'

const replaced = z
  .object(Object.fromEntries(REPLACED_KINDS.map((kind) => [kind, count])))
  .nullable()
  .describe('number of different values; null: none was to be replaced')

export const capture = document('vqtune capture --json', {
  file: z.string(),
  bytes: count,
  parts: z.array(z.object({ path: z.string(), what: z.string(), files: count, bytes: count })),
  replaced,
  unreadable: z.array(z.object({ path: z.string(), why: z.string() })),
  failed: z
    .array(z.object({ command: z.string(), why: z.string() }))
    .describe('commands that fail on this guest'),
})
