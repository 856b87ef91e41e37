/** Whether each queue is private to its vCPUs, and who disturbs it if not. Pure. */
import type { CpuList, DesiredNic, ObservedIrq, ObservedNic } from './model'
import { formatCpuList } from './system/cpulist'

/** One reason why a queue is not private. */
export type Intrusion =
  /** An interrupt of this queue may arrive on CPUs that another queue of the NIC has too. */
  | {
      readonly kind: 'shared'
      readonly queue: number
      readonly irq: number
      readonly cpus: CpuList
      /** The other queues, ascending. */
      readonly with: readonly number[]
    }
  /** An interrupt of this queue is not on the CPUs that the layout gives it. */
  | {
      readonly kind: 'elsewhere'
      readonly queue: number
      readonly irq: number
      readonly cpus: CpuList
      readonly wanted: CpuList
    }
  /** The CPUs that send through this queue are not the ones that the layout gives it. */
  | { readonly kind: 'senders'; readonly queue: number; readonly cpus: CpuList; readonly wanted: CpuList }
  /** The queue has no interrupt of its own. */
  | { readonly kind: 'no-own-interrupt'; readonly queue: number }

export interface QueueVerdict {
  readonly queue: number
  readonly private: boolean
  readonly intrusions: readonly Intrusion[]
}

/**
 * Judges the queues in use. Affinity is judged by what was asked for (smp_affinity): effective_affinity is stale until
 * the next interrupt. Queues beyond the target are left out, they go away. While other channels are due, the layout is
 * about to change: then queues are only judged against each other.
 */
export function judgePrivacy(nic: ObservedNic, desired: DesiredNic): readonly QueueVerdict[] {
  const users = queuesByCpu(nic)
  return nic.queues.slice(0, desired.target).map((queue) => {
    const group = nic.channels.current === desired.target ? desired.groups[queue.index] : undefined
    const intrusions: Intrusion[] = []
    if (nic.interruptLayout !== 'per-queue') {
      if (nic.queues.length > 1) intrusions.push({ kind: 'no-own-interrupt', queue: queue.index })
    } else {
      for (const irq of [queue.rxIrq, queue.txIrq]) {
        if (irq !== undefined) intrusions.push(...judgeIrq(queue.index, irq, group?.irq, users))
      }
    }
    if (queue.xps !== undefined && group !== undefined && nic.queues.length > 1) {
      const wanted = new Set(group.xps)
      const foreign = queue.xps.filter((cpu) => !wanted.has(cpu))
      if (foreign.length > 0 || queue.xps.length === 0) {
        intrusions.push({ kind: 'senders', queue: queue.index, cpus: queue.xps, wanted: group.xps })
      }
    }
    return { queue: queue.index, private: intrusions.length === 0, intrusions }
  })
}

function judgeIrq(
  queue: number,
  irq: ObservedIrq,
  wanted: CpuList | undefined,
  users: ReadonlyMap<number, ReadonlySet<number>>,
): Intrusion[] {
  const found: Intrusion[] = []
  const others = new Set<number>()
  const sharedCpus = irq.affinity.filter((cpu) => {
    const rest = [...(users.get(cpu) ?? [])].filter((user) => user !== queue)
    for (const user of rest) others.add(user)
    return rest.length > 0
  })
  if (others.size > 0) {
    found.push({
      kind: 'shared',
      queue,
      irq: irq.irq,
      cpus: sharedCpus,
      with: [...others].sort((a, b) => a - b),
    })
  }
  if (wanted !== undefined) {
    const own = new Set(wanted)
    const foreign = irq.affinity.filter((cpu) => !own.has(cpu))
    if (foreign.length > 0) found.push({ kind: 'elsewhere', queue, irq: irq.irq, cpus: foreign, wanted })
  }
  return found
}

function queuesByCpu(nic: ObservedNic): ReadonlyMap<number, ReadonlySet<number>> {
  const users = new Map<number, Set<number>>()
  for (const queue of nic.queues) {
    for (const cpu of [...(queue.rxIrq?.affinity ?? []), ...(queue.txIrq?.affinity ?? [])]) {
      const queues = users.get(cpu) ?? new Set()
      users.set(cpu, queues.add(queue.index))
    }
  }
  return users
}

/** One short clause for people, naming the IRQ and the CPU. */
export function describeIntrusion(intrusion: Intrusion): string {
  switch (intrusion.kind) {
    case 'shared':
      return `IRQ ${intrusion.irq} on CPU ${formatCpuList(intrusion.cpus)} shared with queue ${intrusion.with.join(', ')}`
    case 'elsewhere':
      return `IRQ ${intrusion.irq} may go to CPU ${formatCpuList(intrusion.cpus)}, belongs to ${formatCpuList(intrusion.wanted)}`
    case 'senders':
      return intrusion.cpus.length === 0
        ? `no CPU sends through it, CPU ${formatCpuList(intrusion.wanted)} should`
        : `CPU ${formatCpuList(intrusion.cpus)} sends through it, CPU ${formatCpuList(intrusion.wanted)} should`
    case 'no-own-interrupt':
      return 'has no interrupt of its own'
  }
}
