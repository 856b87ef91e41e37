/** IRQ affinity: the rx and tx interrupts of a queue pair on that queue's CPUs (smp_affinity). */
import { formatCpuList } from '../kernel/cpulist'
import { irqAffinityPath, readIrqAffinity } from '../kernel/interrupts'
import type { CpuList, InterruptLayout } from '../model'
import { INTERRUPT_CPUS } from './codecs'
import { kernelGroup } from './kernel-layout'
import type { Desire, NicContext, Setting, Tunable } from './tunable'
import { writeSettingFile } from './write-file'

/** A direction of a queue pair, as virtio names them: rx is `input`, tx is `output`. */
export type Direction = 'rx' | 'tx'

/** Keys of the configuration. */
export const AFFINITY_KEY = 'affinity'
export const IRQBALANCE_KEY = 'irqbalance'

export function irqKey(queue: number, direction: Direction): string {
  return `queue ${queue} ${direction}`
}

export const irqAffinity: Tunable<CpuList> = {
  name: 'irq-affinity',
  noun: 'interrupt',
  codec: INTERRUPT_CPUS,
  switch: {
    key: AFFINITY_KEY,
    values: 'boolean',
    default: true,
    help: 'Keep the interrupts of each queue on the vCPUs of that queue.',
  },
  furtherSwitches: [
    {
      key: IRQBALANCE_KEY,
      values: ['ask', 'leave'],
      default: 'ask',
      help: 'What to do about a running irqbalance, which moves interrupts by load. "ask": ask it over its socket to leave those alone that vqtune places; its configuration is not changed. "leave": let it move them, repair that, and back off if it insists.',
    },
  ],
  isConstraint: true,
  kernelLayout: kernelGroup,
  read(system, nic) {
    return nic.queues.flatMap((queue) =>
      (['rx', 'tx'] as const).flatMap((direction): Setting<CpuList>[] => {
        const line = direction === 'rx' ? queue.rxIrq : queue.txIrq
        const value = line === undefined ? undefined : readIrqAffinity(system, line.irq)
        if (line === undefined || value === undefined) return []
        const key = irqKey(queue.index, direction)
        return [{ key, value, label: `${key} IRQ ${line.irq}`, file: irqAffinityPath(system, line.irq) }]
      }),
    )
  },
  desire(context, settings) {
    const { nic, desired } = context
    if (context.settings.switches[AFFINITY_KEY] !== true) return { wanted: [], skips: [] }
    if (nic.interruptLayout !== 'per-queue') {
      const isSingle = nic.channels.current === 1 && desired.target === 1
      const skip = { code: 'shared-interrupt', why: LAYOUT_TEXT[nic.interruptLayout] } as const
      return { wanted: [], skips: isSingle ? [] : [skip] }
    }
    return wantedGroups(context, settings)
  },
  write(system, step, cpus) {
    writeSettingFile(system, step, formatCpuList(cpus))
  },
}

/**
 * An interrupt anywhere in its queue's group is as desired: irqbalance may choose one of these CPUs. The group of a single
 * queue is all CPUs except isolated ones.
 */
function wantedGroups({ desired }: NicContext, settings: readonly Setting<CpuList>[]): Desire<CpuList> {
  const groups = new Map(
    desired.groups.flatMap(({ irq }, index) => [
      [irqKey(index, 'rx'), irq],
      [irqKey(index, 'tx'), irq],
    ]),
  )
  const wanted = settings.flatMap(({ key, label }) => {
    const group = groups.get(key)
    if (group === undefined) return [] // removed with the channels
    const own = new Set(group)
    return [
      {
        key,
        value: group,
        accepts: (now: CpuList) => now.length > 0 && now.every((cpu) => own.has(cpu)),
        reason: `${label} belongs on CPU ${formatCpuList(group)}`,
      },
    ]
  })
  return { wanted, skips: [] }
}

const LAYOUT_TEXT: Record<Exclude<InterruptLayout, 'per-queue'>, string> = {
  shared:
    'all queues share one MSI-X vector: the host gave the device too few (it needs 2 x queue pairs + 1)',
  intx: 'the device has no MSI-X vectors: all queues share one line interrupt',
  mmio: 'virtio-mmio has one interrupt for all queues',
  ccw: 'virtio-ccw uses adapter interrupts, which have no affinity per queue',
  unknown: 'no interrupts of its queues found in /proc/interrupts',
}
