/** CPU masks below queues/, which XPS and RPS have in common. */
import { formatCpuMask, parseCpuMask } from '../kernel/cpulist'
import type { CpuList, Step } from '../model'
import type { System } from '../system/system'
import type { NicTopology, Setting } from './tunable'
import { writeSettingFile } from './write-file'

export function queueKey(queue: number): string {
  return `queue ${queue}`
}

/** Reads the mask of each queue in use; queues without a readable file are left out. */
export function readMasks(
  system: System,
  nic: NicTopology,
  direction: 'rx' | 'tx',
  attribute: string,
  title: string,
): readonly Setting<CpuList>[] {
  return nic.queues.flatMap(({ index }): Setting<CpuList>[] => {
    const file = `${system.paths.sysClassNet}/${nic.name}/queues/${direction}-${index}/${attribute}`
    const text = system.readText(file)
    const value = text === undefined ? undefined : parseCpuMask(text)
    const key = queueKey(index)
    return value === undefined ? [] : [{ key, value, label: `${key} ${title}`, file }]
  })
}

/** An empty list clears the mask. */
export function writeMask(system: System, step: Step, cpus: CpuList): void {
  writeSettingFile(system, step, formatCpuMask(cpus))
}
