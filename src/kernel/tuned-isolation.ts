/**
 * CPUs that tuned will isolate at the next boot: its profiles ask for a reboot, and keep interrupts off these CPUs at once
 * (isolated_cores of the scheduler plugin; banned CPUs of irqbalance), so vqtune must not put them back meanwhile.
 */
import type { CpuList } from '../model'
import type { System } from '../system/system'
import { parseCpuList } from './cpulist'

export interface IsolationSource {
  /** What says so, for people: a file or kernel parameters. */
  readonly source: string
  readonly cpus: CpuList
}

/** Empty without an active profile: what a former one has left counts no longer. */
export function isolatedByTuned(system: System): readonly IsolationSource[] {
  const { tunedActiveProfile, tunedDir } = system.paths.writers
  const profiles = read(system, tunedActiveProfile).split(/\s+/).filter(isPlainName)
  if (profiles.length === 0) return []
  const variables = profiles.map((profile) => `${tunedDir}/${profile}-variables.conf`)
  const bootLine = `${tunedDir}/bootcmdline`
  return [
    ...variables.map((file) => ({ source: file, cpus: isolatedCores(read(system, file)) })),
    { source: bootLine, cpus: isolatedAtNextBoot(read(system, bootLine)) },
  ].filter(({ cpus }) => cpus.length > 0)
}

function isPlainName(profile: string): boolean {
  return /^[\w@+-][\w.@+-]*$/.test(profile)
}

/** It is for a hint about interrupts only: what cannot be read says nothing. */
function read(system: System, path: string): string {
  try {
    return system.readText(path) ?? ''
  } catch {
    return ''
  }
}

/** `isolated_cores=2-3`, the last one. A value that tuned calculates is none; the boot parameters then have it. */
export function isolatedCores(text: string): CpuList {
  const value = [...text.matchAll(/^[ \t]*isolated_cores[ \t]*=[ \t]*([^\n]*)$/gm)].at(-1)?.[1] ?? ''
  return parseCpuList(value.trim()) ?? []
}

/** `TUNED_BOOT_CMDLINE="... isolcpus=managed_irq,2-3 nohz_full=2-3 ..."`, the last one. */
export function isolatedAtNextBoot(text: string): CpuList {
  const line = [...text.matchAll(/^TUNED_BOOT_CMDLINE="?([^"\n]*)"?$/gm)].at(-1)?.[1] ?? ''
  const lists = ['isolcpus', 'nohz_full'].map((name) => {
    const value = line.split(/\s+/).findLast((word) => word.startsWith(`${name}=`)) ?? ''
    return parseCpuList(value.slice(name.length + 1).replace(/^(?:[a-z_]+,)+/, '')) ?? []
  })
  return [...new Set(lists.flat())].sort((a, b) => a - b)
}
