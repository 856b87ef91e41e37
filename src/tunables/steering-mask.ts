/** CPU masks below queues/, which XPS and RPS have in common. */
import { formatCpuMask, parseCpuMask } from '../kernel/cpulist'
import type { CpuList, Step } from '../model'
import type { System } from '../system/system'
import { readQueueFiles } from './queue-files'
import type { NicTopology, Setting } from './tunable'
import { writeSettingFile } from './write-file'

/** Reads the mask of each queue in use; queues without a readable file are left out. */
export function readMasks(
  system: System,
  nic: NicTopology,
  direction: 'rx' | 'tx',
  attribute: string,
  title: string,
): readonly Setting<CpuList>[] {
  return readQueueFiles(system, nic, direction, attribute, title, parseCpuMask)
}

/** An empty list clears the mask. */
export function writeMask(system: System, step: Step, cpus: CpuList): void {
  writeSettingFile(system, step, formatCpuMask(cpus))
}
