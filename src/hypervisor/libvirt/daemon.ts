/** Which libvirt daemon runs QEMU guests here: the modular virtqemud, or the monolithic libvirtd. */
import { findPrograms } from '../../kernel/processes'
import type { System } from '../../system/system'
import { type OpenFiles, readOpenFiles } from '../qemu/process'

/** systemd units, the modular one first. */
export const LIBVIRT_UNITS = ['virtqemud', 'libvirtd'] as const

export interface LibvirtDaemon {
  /** systemd unit to restart. */
  readonly unit: (typeof LIBVIRT_UNITS)[number]
  /** Process id; undefined when it is started on demand and has gone idle. */
  readonly pid: number | undefined
  /** Limits that new guests inherit when max_files is 0. */
  readonly openFiles: OpenFiles | undefined
}

/** undefined when neither daemon runs nor listens. */
export function readDaemon(system: System): LibvirtDaemon | undefined {
  for (const unit of LIBVIRT_UNITS) {
    const [process] = findPrograms(system, [{ name: unit }])
    if (process !== undefined)
      return { unit, pid: process.pid, openFiles: readOpenFiles(system, process.pid) }
  }
  // Socket activation: the daemon ends after two minutes without clients, its socket stays.
  const { runLibvirt } = system.paths.hypervisor
  if (system.exists(`${runLibvirt}/virtqemud-sock`))
    return { unit: 'virtqemud', pid: undefined, openFiles: undefined }
  if (system.exists(`${runLibvirt}/libvirt-sock`))
    return { unit: 'libvirtd', pid: undefined, openFiles: undefined }
  return undefined
}
