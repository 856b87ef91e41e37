/** XPS: which CPUs send through which queue (xps_cpus). */
import { errnoOf, messageOf, VqtuneError } from '../errors'
import { formatCpuList, formatCpuMask, sameCpus } from '../kernel/cpulist'
import type { SetXps, Skip } from '../model'
import type { System } from '../system/system'
import type { Tunable } from './tunable'

export const xps: Tunable<SetXps> = {
  name: 'xps',
  plan({ nic, desired, settings }) {
    // With one queue there is nothing to choose; the kernel has no mask then (ENOENT).
    if (!settings.xps || desired.target === 1) return { steps: [], skips: [] }
    const skips: Skip[] = []
    const steps: SetXps[] = []
    for (const queue of nic.queues) {
      const group = desired.groups[queue.index]
      if (group === undefined) continue
      if (queue.xps === undefined) {
        skips.push({
          nic: nic.name,
          tunable: 'xps',
          code: 'no-xps',
          why: 'this kernel has no xps_cpus for the NIC',
        })
        break
      }
      if (sameCpus(queue.xps, group.xps)) continue
      steps.push({
        kind: 'set-xps',
        nic: nic.name,
        queue: queue.index,
        old: queue.xps,
        new: group.xps,
        reason: `CPU ${formatCpuList(group.xps)} sends through queue ${queue.index}`,
      })
    }
    return { steps, skips }
  },
}

/** Writes the mask; an empty list clears it. */
export function setXps(system: System, step: SetXps): void {
  const path = `${system.paths.sysClassNet}/${step.nic}/queues/tx-${step.queue}/xps_cpus`
  try {
    system.writeAttribute(path, formatCpuMask(step.new))
  } catch (error) {
    const errno = errnoOf(error)
    const what = `${step.nic}: XPS of queue ${step.queue}`
    if (errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS') {
      throw new VqtuneError('permission', `${what}: ${path} is not writable (${errno})`, { cause: error })
    }
    if (errno === 'ENOENT') {
      throw new VqtuneError('vanished', `${what}: the queue went away while it was set`, { cause: error })
    }
    throw new VqtuneError(
      'tool-failed',
      `${what}: CPU ${formatCpuList(step.new)} not taken: ${messageOf(error)}`,
      {
        cause: error,
      },
    )
  }
}
