import { z } from 'zod'
import { EVENNESS_BASES } from '../../report/compare'
import { CONCLUSION_IDS } from '../../report/conclusions'
import { ANSWERS, CONDITION_IDS } from '../../report/conditions'
import { document } from './document'
import { count, positive } from './number'

const share = z.number().min(0).max(1)

const direction = z.object({
  packets: count,
  bytes: count,
  meanBytes: z
    .number()
    .min(0)
    .optional()
    .describe('absent without packets; with GRO and TSO a packet can have 64 KiB'),
})

const queue = z.object({
  queue: count,
  cpus: z.array(count).describe('CPUs on which its receive interrupt may arrive'),
  rxInterrupts: count,
  txInterrupts: count,
  byCpu: z
    .array(z.object({ cpu: count, interrupts: positive }))
    .describe('CPUs on which interrupts of either direction did arrive'),
  rxPackets: count.optional().describe('absent if the kernel does not count per queue'),
  txPackets: count.optional(),
  txKicks: count.optional(),
})

const condition = z.object({
  id: z.enum(CONDITION_IDS),
  title: z.string(),
  answer: z.enum(ANSWERS),
  favours: z.boolean().optional().describe('whether the answer favours many queues; absent if neither'),
  why: z.string(),
})

const conclusion = z.object({
  id: z.enum(CONCLUSION_IDS),
  text: z.string(),
  evidence: z.string().describe('the numbers'),
  next: z.string().describe('what to do, or how to find out'),
})

const nic = z.object({
  name: z.string(),
  channels: positive,
  rx: direction.describe('received'),
  tx: direction.describe('sent'),
  queues: z.array(queue),
  evenness: z
    .number()
    .gt(0)
    .max(1.000001)
    .optional()
    .describe("Jain's index over the queues; absent if nothing arrived"),
  evennessOf: z.enum(EVENNESS_BASES),
  dropped: z
    .object({ rx: count, tx: count })
    .optional()
    .describe('packets in the window; absent if not counted'),
  qdisc: z
    .object({ kind: z.string(), requeues: count })
    .optional()
    .describe('at the root of the NIC; absent without tc'),
  conditions: z
    .array(condition)
    .describe('the conditions of the RHEL guide, and whether every queue receives, with answers'),
  conclusions: z
    .array(conclusion)
    .describe('why the NIC is slow, the most telling first; empty if nothing is'),
})

const cpu = z.object({
  cpu: count,
  busy: share.describe('share of the window'),
  softirq: share,
  stolen: share,
  softirqSeconds: z.number().min(0),
  netRx: count.describe('NET_RX softirqs'),
  netTx: count,
  processed: count.describe('packets, /proc/net/softnet_stat'),
  dropped: count,
  squeezed: count.describe('time_squeeze'),
})

export const report = document('vqtune report --json', {
  seconds: z.number().gt(0).describe('length of the measurement'),
  nics: z.array(nic),
  cpus: z.array(cpu).describe('online vCPUs'),
  flows: z
    .object({
      sockets: count.describe('connected TCP and UDP sockets of this network namespace, all NICs'),
      tracked: count.optional().describe('connection tracking; absent without it'),
    })
    .describe('at the end of the window'),
  tcp: z
    .object({ sent: count, retransmitted: count })
    .optional()
    .describe('segments of this network namespace; absent if unknown'),
  inventory: z.object({ machine: z.string(), cpu: z.string() }).nullable(),
})
