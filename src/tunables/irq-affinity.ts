/** IRQ affinity: rx and tx interrupt of a queue pair on that queue's CPUs. */
import { errnoOf, messageOf, VqtuneError } from '../errors'
import { formatCpuList, sameCpus } from '../kernel/cpulist'
import { irqAffinityPath } from '../kernel/interrupts'
import type { CpuList, InterruptLayout, ObservedIrq, SetIrqAffinity, Skip } from '../model'
import type { System } from '../system/system'
import { StepRefused } from './refused'
import type { Tunable } from './tunable'

export const irqAffinity: Tunable<SetIrqAffinity> = {
  name: 'irq-affinity',
  plan({ nic, desired, settings }) {
    if (!settings.affinity) return { steps: [], skips: [] }
    if (nic.interruptLayout !== 'per-queue') {
      const skip: Skip = {
        nic: nic.name,
        tunable: 'irq-affinity',
        code: 'shared-interrupt',
        why: LAYOUT_TEXT[nic.interruptLayout],
      }
      return { steps: [], skips: nic.channels.current === 1 && desired.target === 1 ? [] : [skip] }
    }
    const steps: SetIrqAffinity[] = []
    for (const queue of nic.queues) {
      const group = desired.groups[queue.index]
      if (group === undefined) continue // goes away with the channels
      for (const direction of ['rx', 'tx'] as const) {
        const irq: ObservedIrq | undefined = direction === 'rx' ? queue.rxIrq : queue.txIrq
        // smp_affinity is judged; effective_affinity is stale until the next interrupt.
        if (irq === undefined || sameCpus(irq.affinity, group.irq)) continue
        const reason = `IRQ ${irq.irq} (${irq.name}) belongs to CPU ${formatCpuList(group.irq)}`
        steps.push(affinityStep(nic.name, queue.index, direction, irq, group.irq, reason))
      }
    }
    return { steps, skips: [] }
  },
}

export function affinityStep(
  nic: string,
  queue: number,
  direction: SetIrqAffinity['direction'],
  irq: ObservedIrq,
  cpus: CpuList,
  reason: string,
): SetIrqAffinity {
  return {
    kind: 'set-irq-affinity',
    nic,
    queue,
    direction,
    irq: irq.irq,
    old: irq.affinity,
    new: cpus,
    reason,
  }
}

const LAYOUT_TEXT: Record<Exclude<InterruptLayout, 'per-queue'>, string> = {
  shared:
    'all queues share one MSI-X vector: the host gave the device too few (it needs 2 x queue pairs + 2)',
  intx: 'the device has no MSI-X vectors: all queues share one line interrupt',
  mmio: 'virtio-mmio has one interrupt for all queues',
  ccw: 'virtio-ccw uses adapter interrupts, which have no affinity per queue',
  unknown: 'no interrupt of its queues was found in /proc/interrupts',
}

/** Writes smp_affinity_list. @throws StepRefused when the kernel owns this interrupt's affinity (EIO, EPERM, EINVAL) */
export function setIrqAffinity(system: System, step: SetIrqAffinity): void {
  const path = irqAffinityPath(system, step.irq)
  try {
    system.writeAttribute(path, formatCpuList(step.new))
  } catch (error) {
    const errno = errnoOf(error)
    const what = `${step.nic}: IRQ ${step.irq}`
    if (errno === 'EACCES' || errno === 'EROFS') {
      throw new VqtuneError('permission', `${what}: ${path} is not writable (${errno})`, { cause: error })
    }
    if (errno === 'ENOENT') {
      throw new VqtuneError('vanished', `${what}: the interrupt went away while its affinity was set`, {
        cause: error,
      })
    }
    if (errno === 'EIO' || errno === 'EPERM') {
      throw new StepRefused('refused', `${what}: the kernel does not let its affinity be set`, errno)
    }
    throw new VqtuneError(
      'tool-failed',
      `${what}: affinity ${formatCpuList(step.new)} not taken: ${messageOf(error)}`,
      {
        cause: error,
      },
    )
  }
}
