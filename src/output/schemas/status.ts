import { z } from 'zod'
import {
  IGNORED_KINDS,
  type IgnoredInterface,
  INTERRUPT_LAYOUTS,
  OBSTACLE_CODES,
  type Obstacle,
  PARENT_BUSES,
} from '../../model'
import { NIC_STATES } from '../../planner/describe'
import { channels } from './channels'
import { daemonView } from './daemon-view'
import { document } from './document'
import { irqbalance } from './irqbalance'
import { positive } from './number'
import { queue } from './queue'
import { skip } from './skip'
import { setting, step } from './step'
import { vcpus } from './vcpus'

const obstacle = z.object({
  code: z.enum(OBSTACLE_CODES),
  why: z.string(),
}) satisfies z.ZodType<Obstacle>

const nic = z.object({
  name: z.string(),
  altnames: z.array(z.string()),
  mac: z.string(),
  ifindex: z.int(),
  virtio: z.string().regex(/^virtio[0-9]+$/),
  bus: z.enum(PARENT_BUSES),
  busAddress: z.string(),
  operstate: z.string(),
  master: z.string().nullable(),
  features: z.object({
    multiqueue: z.boolean(),
    controlQueue: z.boolean(),
    rss: z.boolean(),
    ringReset: z.boolean(),
  }),
  interruptLayout: z.enum(INTERRUPT_LAYOUTS),
  vectors: positive.nullable(),
  rssQueues: z.array(z.int()).nullable(),
  obstacle: obstacle.nullable(),
  state: z.enum(NIC_STATES),
  channels,
  queues: z.array(queue),
  settings: z.array(setting),
  notes: z.array(z.string()).describe('settings that are not changed, and what that means'),
  steps: z.array(step),
  skips: z.array(skip),
})

const ignored = z
  .object({ name: z.string(), kind: z.enum(IGNORED_KINDS), why: z.string() })
  .describe(
    'an interface or device that is not a target, with the reason',
  ) satisfies z.ZodType<IgnoredInterface>

export const status = document('vqtune status --json', {
  vcpus,
  nics: z.array(nic),
  ignored: z.array(ignored),
  irqbalance,
  daemon: daemonView,
})
