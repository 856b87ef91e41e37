/** Whether each queue is private to its vCPUs, and if not, why. Pure. */

import { formatCpuList } from '../kernel/cpulist'
import type { CpuList, DesiredNic, ObservedNic } from '../model'
import { cpuListsOf } from '../tunables/engine'
import { irqKey } from '../tunables/irq-affinity'
import { queueKey } from '../tunables/queue-files'

/** One reason why a queue is not private. */
export type AffinityProblem =
  /** An interrupt of this queue may arrive on CPUs that another queue of the NIC also uses. */
  | {
      readonly kind: 'shared'
      readonly queue: number
      readonly irq: number
      readonly cpus: CpuList
      /** The other queues, ascending. */
      readonly with: readonly number[]
    }
  /** An interrupt of this queue is not on the CPUs of the layout. */
  | {
      readonly kind: 'elsewhere'
      readonly queue: number
      readonly irq: number
      readonly cpus: CpuList
      readonly wanted: CpuList
    }
  /** The CPUs that transmit through this queue are not those of the layout. */
  | { readonly kind: 'senders'; readonly queue: number; readonly cpus: CpuList; readonly wanted: CpuList }
  /** The queue has no interrupt of its own. */
  | { readonly kind: 'no-own-interrupt'; readonly queue: number }

export interface QueueAffinity {
  readonly queue: number
  readonly private: boolean
  readonly problems: readonly AffinityProblem[]
}

/**
 * Checks the queues in use. Affinity is checked by the requested one (smp_affinity): effective_affinity is stale until the
 * next interrupt. Queues beyond the target are ignored, as they will be removed. While a change of channels is planned, the
 * layout is about to change: then queues are only compared with each other.
 */
export function checkQueueAffinity(nic: ObservedNic, desired: DesiredNic): readonly QueueAffinity[] {
  const lines = queueLines(nic)
  const senders = cpuListsOf(nic, 'xps')
  const users = queuesByCpu(lines)
  return nic.queues.slice(0, desired.target).map(({ index }) => {
    const group = nic.channels.current === desired.target ? desired.groups[index] : undefined
    const problems: AffinityProblem[] = []
    if (nic.interruptLayout !== 'per-queue') {
      if (nic.queues.length > 1) problems.push({ kind: 'no-own-interrupt', queue: index })
    } else {
      for (const line of lines) {
        if (line.queue === index) problems.push(...checkLine(line, group?.irq, users))
      }
    }
    const xps = senders.get(queueKey(index))
    if (xps !== undefined && group !== undefined && nic.queues.length > 1) {
      const wanted = new Set(group.xps)
      const foreign = xps.filter((cpu) => !wanted.has(cpu))
      if (foreign.length > 0 || xps.length === 0) {
        problems.push({ kind: 'senders', queue: index, cpus: xps, wanted: group.xps })
      }
    }
    return { queue: index, private: problems.length === 0, problems }
  })
}

/** An interrupt of a queue and the CPUs it may go to. */
interface QueueLine {
  readonly queue: number
  readonly irq: number
  readonly cpus: CpuList
}

function queueLines(nic: ObservedNic): readonly QueueLine[] {
  const affinity = cpuListsOf(nic, 'irq-affinity')
  return nic.queues.flatMap(({ index, rxIrq, txIrq }) =>
    (
      [
        ['rx', rxIrq],
        ['tx', txIrq],
      ] as const
    ).flatMap(([direction, line]): QueueLine[] => {
      const cpus = affinity.get(irqKey(index, direction))
      return line === undefined || cpus === undefined ? [] : [{ queue: index, irq: line.irq, cpus }]
    }),
  )
}

function checkLine(
  { queue, irq, cpus }: QueueLine,
  wanted: CpuList | undefined,
  users: ReadonlyMap<number, ReadonlySet<number>>,
): AffinityProblem[] {
  const found: AffinityProblem[] = []
  const others = new Set<number>()
  const sharedCpus = cpus.filter((cpu) => {
    const rest = [...(users.get(cpu) ?? [])].filter((user) => user !== queue)
    for (const user of rest) others.add(user)
    return rest.length > 0
  })
  if (others.size > 0) {
    found.push({ kind: 'shared', queue, irq, cpus: sharedCpus, with: [...others].sort((a, b) => a - b) })
  }
  if (wanted !== undefined) {
    const own = new Set(wanted)
    const foreign = cpus.filter((cpu) => !own.has(cpu))
    if (foreign.length > 0) found.push({ kind: 'elsewhere', queue, irq, cpus: foreign, wanted })
  }
  return found
}

function queuesByCpu(lines: readonly QueueLine[]): ReadonlyMap<number, ReadonlySet<number>> {
  const users = new Map<number, Set<number>>()
  for (const { queue, cpus } of lines) {
    for (const cpu of cpus) {
      const queues = users.get(cpu) ?? new Set()
      users.set(cpu, queues.add(queue))
    }
  }
  return users
}

/** One short clause with IRQ and CPU. */
export function describeAffinityProblem(problem: AffinityProblem): string {
  switch (problem.kind) {
    case 'shared':
      return `IRQ ${problem.irq} on CPU ${formatCpuList(problem.cpus)} shared with queue ${problem.with.join(', ')}`
    case 'elsewhere':
      return `IRQ ${problem.irq} may go to CPU ${formatCpuList(problem.cpus)}, belongs to ${formatCpuList(problem.wanted)}`
    case 'senders':
      return problem.cpus.length === 0
        ? `no CPU transmits through it, CPU ${formatCpuList(problem.wanted)} should`
        : `CPU ${formatCpuList(problem.cpus)} transmits through it, CPU ${formatCpuList(problem.wanted)} should`
    case 'no-own-interrupt':
      return 'has no interrupt of its own'
  }
}
