import { z } from 'zod'
import { CONFLICT_POLICIES } from '../../model'
import { SWITCHES } from '../../tunables/index'
import { document } from './document'

const settings = z.object({
  enabled: z.boolean(),
  cap: z.int().nullable(),
  channels: z.int().nullable(),
  ...Object.fromEntries(
    SWITCHES.map(({ key, values }) => [key, values === 'boolean' ? z.boolean() : z.enum(values)]),
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
