/** XPS: which CPUs transmit through which queue (xps_cpus). */
import { formatCpuList } from '../kernel/cpulist'
import type { CpuList } from '../model'
import { CPUS } from './codecs'
import { kernelGroup } from './kernel-layout'
import { queueKey } from './queue-files'
import { readMasks, writeMask } from './steering-mask'
import type { Tunable } from './tunable'

const NONE = 'this kernel has no xps_cpus for the NIC'
const BY_CPU = "this kernel's driver chooses the transmit queue by CPU number and ignores xps_cpus"

export const xps: Tunable<CpuList> = {
  name: 'xps',
  noun: 'XPS mask',
  codec: CPUS,
  switch: {
    key: 'xps',
    values: 'boolean',
    default: true,
    help: 'Let each vCPU transmit through its own queue (transmit packet steering).',
  },
  kernelLayout: kernelGroup,
  // A mask that the driver ignores is not a setting.
  read: (system, nic) =>
    nic.selectsQueueByCpu === true ? [] : readMasks(system, nic, 'tx', 'xps_cpus', 'XPS'),
  desire({ nic, desired, settings: { switches } }, settings) {
    // With one queue there is nothing to choose; the kernel has no mask then (ENOENT).
    if (switches.xps !== true || desired.target === 1) return { wanted: [], skips: [] }
    if (nic.queues.length > 0 && settings.length === 0) {
      return { wanted: [], skips: [{ code: 'no-xps', why: nic.selectsQueueByCpu === true ? BY_CPU : NONE }] }
    }
    const groups = new Map(desired.groups.map((group, index) => [queueKey(index), group.xps]))
    const wanted = settings.flatMap(({ key }) => {
      const group = groups.get(key)
      if (group === undefined) return []
      return [{ key, value: group, reason: `CPU ${formatCpuList(group)} transmits through ${key}` }]
    })
    return { wanted, skips: [] }
  },
  write: writeMask,
}
