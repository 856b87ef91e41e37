import { z } from 'zod'
import { KERNEL_TRAITS, type KernelTrait } from '../../advice/kernel-traits'
import { LIMIT_CODES } from '../../advice/limits'
import { PLATFORMS, type PlatformRemedy } from '../../advice/platforms/index'
import { UNKNOWN } from '../../advice/platforms/unknown'
import { type Hypervisor, PARENT_BUSES } from '../../model'
import { TUNABLE_NAMES } from '../../tunables/index'
import { WRITER_NAMES } from '../../writers/index'
import { WRITER_MATCHES, type Writer } from '../../writers/writer'
import { channels } from './channels'
import { document } from './document'
import { irqbalance } from './irqbalance'
import { skip } from './skip'

const hypervisor = z
  .object({
    vendor: z.string(),
    product: z.string(),
    family: z.string(),
    biosVendor: z.string(),
    boardVendor: z.string(),
    boardName: z.string(),
    chassisVendor: z.string(),
    chassisTag: z.string(),
  })
  .describe('from DMI; empty if the guest has none') satisfies z.ZodType<Hypervisor>

const limit = z
  .object({
    code: z.enum(LIMIT_CODES),
    text: z.string(),
    next: z.string().nullable(),
    onHost: z.boolean(),
  })
  .describe('what limits the target, and what to do about it')

const remedy = z
  .object({
    platform: z.enum([...PLATFORMS, UNKNOWN].map(({ id }) => id)),
    title: z.string(),
    multiqueue: z.boolean().describe('false: this platform has none, and the steps are what helps instead'),
    reaches: z.int(),
    steps: z.array(z.object({ text: z.string(), lines: z.array(z.string()) })),
    powerOff: z.boolean(),
    powerOffHow: z.string(),
    notes: z.array(z.string()),
    tried: z.string().nullable().describe('how the remedy was tried; null: it was not'),
    source: z.string().describe('where the remedy is from'),
    check: z.array(z.string()),
  })
  .describe(
    'how to get more queue pairs on this platform, most likely first',
  ) satisfies z.ZodType<PlatformRemedy>

const writer = z
  .object({
    writer: z.enum(WRITER_NAMES),
    where: z.string(),
    what: z.string(),
    tunable: z.enum(TUNABLE_NAMES),
    matches: z.enum(WRITER_MATCHES),
    remedy: z.string(),
    value: z.string().nullable().describe('channels that it sets: a number, max or vcpus; null if unknown'),
    agrees: z.boolean().nullable().describe('whether that is the target; null if unknown'),
  })
  .describe(
    'other software that may change channels, rings, affinity, XPS, RPS, RFS or NAPI',
  ) satisfies z.ZodType<Omit<Writer, 'value'>>

const trait = z
  .object({
    trait: z.enum(KERNEL_TRAITS),
    label: z.string(),
    value: z.string(),
    seen: z.string(),
  })
  .describe('what this kernel does, and what that is concluded from') satisfies z.ZodType<KernelTrait>

export const explain = document('vqtune explain --json', {
  name: z.string(),
  mac: z.string(),
  virtio: z.string(),
  bus: z.enum(PARENT_BUSES),
  busAddress: z.string(),
  hypervisor,
  channels: channels.extend({ arithmetic: z.string() }),
  limits: z.array(limit),
  remedies: z.array(remedy),
  queues: z.array(z.object({ queue: z.int(), private: z.boolean(), problems: z.array(z.string()) })),
  notes: z.array(z.string()).describe('settings that are not changed, and what that means'),
  skips: z.array(skip),
  writers: z.array(writer),
  irqbalance: irqbalance.describe('of the interrupts of this NIC'),
  knownWriters: z.array(z.enum(WRITER_NAMES)).describe('all that were searched for'),
  notSearched: z.array(z.string()).describe('files that were too large or too many, with the reason'),
  audit: z.string().nullable().describe('what auditd records, or how to make it; null without auditd'),
  ledger: z.looseObject({}).nullable().describe('the ledger entry; its form is not part of this contract'),
  kernel: z.array(trait),
  next: z.string(),
})
