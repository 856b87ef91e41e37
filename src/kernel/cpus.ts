/** CPUs of the guest. */
import { VqtuneError } from '../errors'
import type { CpuList, ObservedCpus } from '../model'
import type { System } from '../system/system'
import { parseCpuList } from './cpulist'

/**
 * Reads which CPUs are online and which of those are isolated. sysfs "isolated" holds isolcpus= (domain) and isolated
 * cpuset partitions; nohz_full CPUs are kept free of interrupts for the same reason. RHEL's tuned profiles
 * (realtime-virtual-guest, cpu-partitioning) set both.
 * @throws VqtuneError kind unsupported when sysfs has no usable list.
 */
export function readCpus(system: System): ObservedCpus {
  const read = (name: string): CpuList | undefined => {
    const text = system.readText(`${system.paths.sysCpu}/${name}`)
    return text === undefined ? undefined : parseCpuList(text)
  }
  const online = read('online')
  if (online === undefined || online.length === 0) {
    throw new VqtuneError('unsupported', `${system.paths.sysCpu}/online: no list of online CPUs`)
  }
  const apart = new Set([...(read('isolated') ?? []), ...(read('nohz_full') ?? [])])
  return { online, isolated: online.filter((cpu) => apart.has(cpu)) }
}
