/** The difference between two snapshots. Pure. */

import { growth, TICKS_PER_SECOND } from '../kernel/counters'
import type { CpuList, ObservedNic } from '../model'
import { cpuListsOf } from '../tunables/engine'
import { irqKey } from '../tunables/irq-affinity'
import { jainIndex } from './parse'
import type { RootQdisc } from './parse-nic'
import type { Flows, Snapshot } from './snapshot'

export interface Direction {
  readonly packets: number
  readonly bytes: number
  /** As this guest counts: with GRO and TSO a packet can be of 64 KiB. undefined: none. */
  readonly meanBytes: number | undefined
}

export interface QueueLoad {
  readonly queue: number
  /** Affinity of its rx interrupt. */
  readonly cpus: CpuList
  readonly rxInterrupts: number
  readonly txInterrupts: number
  /** Interrupts of both directions by the CPU that handled them; CPUs without any are left out. */
  readonly byCpu: readonly { readonly cpu: number; readonly interrupts: number }[]
  /** undefined where the kernel does not count them for each queue. */
  readonly rxPackets: number | undefined
  readonly txPackets: number | undefined
  readonly txKicks: number | undefined
}

export const EVENNESS_BASES = ['packets', 'interrupts'] as const

export interface NicLoad {
  readonly name: string
  readonly channels: number
  readonly rx: Direction
  readonly tx: Direction
  readonly queues: readonly QueueLoad[]
  /** Jain's index of the queues' receive packets, or of their interrupts where packets are not counted; 1 is even. */
  readonly evenness: number | undefined
  readonly evennessOf: (typeof EVENNESS_BASES)[number]
  /** Packets in the window; undefined where not counted. */
  readonly dropped: { readonly rx: number; readonly tx: number } | undefined
  /** At the end of the window; undefined where tc does not tell. */
  readonly qdisc: RootQdisc | undefined
}

export interface CpuLoadReport {
  readonly cpu: number
  /** Shares of the window, 0..1. */
  readonly busy: number
  readonly softirq: number
  readonly stolen: number
  readonly softirqSeconds: number
  readonly netRx: number
  readonly netTx: number
  readonly processed: number
  readonly dropped: number
  readonly squeezed: number
}

export interface Report {
  readonly seconds: number
  readonly nics: readonly NicLoad[]
  readonly cpus: readonly CpuLoadReport[]
  readonly flows: Flows
  /** Of the whole guest; undefined where not available. */
  readonly tcp: { readonly sent: number; readonly retransmitted: number } | undefined
}

/** Counters that decreased (the NIC was replugged) or are missing count as 0. */
function grown(from: number | undefined, to: number | undefined): number {
  return growth(from ?? 0, to ?? 0) ?? 0
}

export function compareSnapshots(
  nics: readonly ObservedNic[],
  online: CpuList,
  from: Snapshot,
  to: Snapshot,
): Report {
  return {
    seconds: (to.atMs - from.atMs) / 1000,
    nics: nics.map((nic) => nicLoad(nic, from, to)),
    cpus: online.map((cpu) => cpuLoad(cpu, from, to)),
    flows: to.flows,
    tcp:
      from.tcp === undefined || to.tcp === undefined
        ? undefined
        : {
            sent: grown(from.tcp.sent, to.tcp.sent),
            retransmitted: grown(from.tcp.retransmitted, to.tcp.retransmitted),
          },
  }
}

function nicLoad(nic: ObservedNic, from: Snapshot, to: Snapshot): NicLoad {
  const before = from.nics.get(nic.name)
  const after = to.nics.get(nic.name)
  const direction = (packets: 'rxPackets' | 'txPackets', bytes: 'rxBytes' | 'txBytes'): Direction => {
    const count = grown(before?.counters[packets], after?.counters[packets])
    const size = grown(before?.counters[bytes], after?.counters[bytes])
    return { packets: count, bytes: size, meanBytes: count === 0 ? undefined : size / count }
  }
  const affinity = cpuListsOf(nic, 'irq-affinity')
  const queues = nic.queues.map(({ index, rxIrq, txIrq }): QueueLoad => {
    const rxCounts = interruptsOf(rxIrq?.name, from, to)
    const txCounts = interruptsOf(txIrq?.name, from, to)
    const old = before?.queues.get(index)
    const now = after?.queues.get(index)
    const growthOf = (key: keyof NonNullable<typeof now>): number | undefined =>
      now?.[key] === undefined ? undefined : grown(old?.[key], now[key])
    return {
      queue: index,
      cpus: affinity.get(irqKey(index, 'rx')) ?? [],
      rxInterrupts: sum(rxCounts.values()),
      txInterrupts: sum(txCounts.values()),
      byCpu: [...new Set([...rxCounts.keys(), ...txCounts.keys()])]
        .map((cpu) => ({ cpu, interrupts: (rxCounts.get(cpu) ?? 0) + (txCounts.get(cpu) ?? 0) }))
        .filter(({ interrupts }) => interrupts > 0)
        .sort((a, b) => a.cpu - b.cpu),
      rxPackets: growthOf('rxPackets'),
      txPackets: growthOf('txPackets'),
      txKicks: growthOf('txKicks'),
    }
  })
  const hasPackets = queues.length > 0 && queues.every(({ rxPackets }) => rxPackets !== undefined)
  return {
    name: nic.name,
    channels: nic.channels.current,
    rx: direction('rxPackets', 'rxBytes'),
    tx: direction('txPackets', 'txBytes'),
    queues,
    evenness: jainIndex(
      queues.map((queue) => (hasPackets ? (queue.rxPackets ?? 0) : queue.rxInterrupts + queue.txInterrupts)),
    ),
    evennessOf: hasPackets ? 'packets' : 'interrupts',
    dropped:
      after?.drops === undefined
        ? undefined
        : {
            rx: grown(before?.drops?.rx, after.drops.rx),
            tx: grown(before?.drops?.tx, after.drops.tx),
          },
    qdisc:
      after?.qdisc === undefined
        ? undefined
        : { kind: after.qdisc.kind, requeues: grown(before?.qdisc?.requeues, after.qdisc.requeues) },
  }
}

/** By CPU number: the set of online CPUs, and so the columns, may change within the window. */
function interruptsOf(action: string | undefined, from: Snapshot, to: Snapshot): ReadonlyMap<number, number> {
  if (action === undefined) return new Map()
  const old = from.interrupts.byAction.get(action)
  const now = to.interrupts.byAction.get(action)
  return new Map(
    to.interrupts.cpus.map((cpu, i) => {
      const column = from.interrupts.cpus.indexOf(cpu)
      return [cpu, grown(column === -1 ? 0 : old?.[column], now?.[i])]
    }),
  )
}

function cpuLoad(cpu: number, from: Snapshot, to: Snapshot): CpuLoadReport {
  const old = from.cpus.get(`cpu${cpu}`)
  const now = to.cpus.get(`cpu${cpu}`)
  const total = Math.max(1, grown(old?.total, now?.total))
  const softirqTicks = grown(old?.softirq, now?.softirq)
  const [oldNet, newNet] = [from.softnet.get(cpu), to.softnet.get(cpu)]
  return {
    cpu,
    busy: grown(old?.busy, now?.busy) / total,
    softirq: softirqTicks / total,
    stolen: grown(old?.stolen, now?.stolen) / total,
    softirqSeconds: softirqTicks / TICKS_PER_SECOND,
    netRx: grown(from.softirqs.get(cpu)?.rx, to.softirqs.get(cpu)?.rx),
    netTx: grown(from.softirqs.get(cpu)?.tx, to.softirqs.get(cpu)?.tx),
    processed: grown(oldNet?.processed, newNet?.processed),
    dropped: grown(oldNet?.dropped, newNet?.dropped),
    squeezed: grown(oldNet?.squeezed, newNet?.squeezed),
  }
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
