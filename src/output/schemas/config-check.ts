import { z } from 'zod'
import { CONFLICT_POLICIES } from '../../model'
import { SWITCHES } from '../../tunables/index'
import { document } from './document'

const settings = z.object({
  enabled: z.boolean(),
  cap: z.int().nullable(),
  channels: z.int().nullable(),
  ...Object.fromEntries(
    SWITCHES.map(({ key, values }) => {
      if (values === 'boolean') return [key, z.boolean()]
      if (!('words' in values)) return [key, z.enum(values)]
      return [key, z.union([z.int().min(values.least).max(values.most), z.enum(values.words)])]
    }),
  ),
  'on-conflict': z.enum(CONFLICT_POLICIES),
})

const origins = z
  .object(Object.fromEntries(Object.keys(settings.shape).map((key) => [key, z.string()])))
  .describe('file:line of each key, or built-in')

export const configCheck = document('vqtune config check --json', {
  files: z.array(z.string()),
  problems: z.array(z.object({ file: z.string(), line: z.int().nullable(), text: z.string() })),
  nics: z.array(z.object({ name: z.string(), settings, from: origins })),
  notes: z
    .array(z.string())
    .describe('valid, but hardly intended: rules that match no NIC, files that are not read'),
  keys: z
    .array(
      z.object({
        key: z.string(),
        allowed: z.string().describe('the values that it may have, in words'),
        choices: z
          .array(z.string())
          .nullable()
          .describe('all of them; null if they are not just a few words'),
      }),
    )
    .describe('of vqtune config set KEY VALUE --nic NIC'),
  unobserved: z.string().nullable().describe('why the guest could not be observed'),
})
