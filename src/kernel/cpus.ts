/** CPUs of the guest. */
import { VqtuneError } from '../errors'
import type { CpuList, ObservedCpus } from '../model'
import type { System } from '../system/system'
import { parseCpuList } from './cpulist'
import { type IsolationSource, isolatedByTuned } from './tuned-isolation'

/**
 * Reads which CPUs are online, and which of them to keep free of interrupts. Sysfs "isolated" contains only isolcpus=
 * (the boot-time housekeeping mask, kernel/sched/isolation.c); nohz_full CPUs are kept free for the same reason. RHEL's
 * tuned profiles (realtime-virtual-guest, cpu-partitioning) set both.
 * @throws VqtuneError kind unsupported when sysfs has no usable list.
 */
export function readCpus(system: System): ObservedCpus {
  const { paths } = system
  const online = readList(system, `${paths.sysCpu}/online`)
  if (online === undefined || online.length === 0) {
    throw new VqtuneError('unsupported', `${paths.sysCpu}/online: no list of online CPUs`)
  }
  const commandLine = system.readText(paths.procCmdline) ?? ''
  const sources: readonly IsolationSource[] = [
    { source: 'isolcpus=', cpus: readList(system, `${paths.sysCpu}/isolated`) ?? [] },
    { source: 'nohz_full=', cpus: readList(system, `${paths.sysCpu}/nohz_full`) ?? [] },
    { source: 'an isolated cpuset', cpus: isolatedByCpusets(system) },
    { source: 'isolcpus= or irqaffinity=', cpus: keptFreeAtBoot(commandLine, online) },
    ...isolatedByTuned(system).map(({ source, cpus }) => ({ source: source.slice(paths.root.length), cpus })),
  ]
  const apart = new Set(sources.flatMap(({ cpus }) => cpus))
  const isolated = online.filter((cpu) => apart.has(cpu))
  if (isolated.length === 0) return { online, isolated }
  const isolatedBy = sources
    .filter(({ cpus }) => cpus.some((cpu) => isolated.includes(cpu)))
    .map(({ source }) => source)
  return { online, isolated, isolatedBy }
}

/**
 * How many CPUs the kernel has room for (nr_cpu_ids): those that are there and those that could be plugged in, so that XDP
 * has a queue for each. As many as are online if sysfs does not say.
 */
export function countPossibleCpus(system: System, { online }: ObservedCpus): number {
  const last = readList(system, `${system.paths.sysCpu}/possible`)?.at(-1)
  return last === undefined ? online.length : last + 1
}

function readList(system: System, path: string): CpuList | undefined {
  const text = system.readText(path)
  return text === undefined ? undefined : parseCpuList(text)
}

/** CPUs of isolated cpuset partitions: one file from Linux 6.7 on, before that the partitions themselves. */
function isolatedByCpusets(system: System): CpuList {
  const top = system.paths.sysCgroup
  return readList(system, `${top}/cpuset.cpus.isolated`) ?? partitionsBelow(system, top)
}

/** Before 6.7 a partition is the child of another one, or of the top (Documentation/admin-guide/cgroup-v2.rst). */
function partitionsBelow(system: System, directory: string): CpuList {
  return system.list(directory).flatMap((name): CpuList => {
    const child = `${directory}/${name}`
    // Only cgroups with the cpuset controller have it: `member`, `root`, `isolated`, or `isolated invalid (...)`.
    const kind = system.readText(`${child}/cpuset.cpus.partition`)?.trim()
    if (kind === 'isolated') return readList(system, `${child}/cpuset.cpus.effective`) ?? []
    return kind === 'root' ? partitionsBelow(system, child) : []
  })
}

/**
 * CPUs that the kernel command line keeps free of interrupts but sysfs does not show: `isolcpus=managed_irq,LIST`, and all
 * that are not in `irqaffinity=LIST`.
 */
export function keptFreeAtBoot(commandLine: string, online: CpuList): CpuList {
  const parameter = (name: string): string | undefined =>
    commandLine
      .split(/\s+/)
      .findLast((word) => word.startsWith(`${name}=`))
      ?.slice(name.length + 1)
  // Flags come first: nohz, domain, managed_irq (housekeeping_isolcpus_setup).
  const isolated = parseCpuList((parameter('isolcpus') ?? '').replace(/^(?:[a-z_]+,)+/, '')) ?? []
  const allowed = parseCpuList(parameter('irqaffinity') ?? '') ?? []
  const rest = allowed.length === 0 ? [] : online.filter((cpu) => !allowed.includes(cpu))
  return [...isolated, ...rest]
}
