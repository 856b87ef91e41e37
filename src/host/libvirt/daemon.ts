/** Which libvirt daemon runs QEMU guests here: the modular virtqemud, or the monolithic libvirtd. */
import type { Host } from '../../system/host'
import { allowed, type OpenFiles, readOpenFiles } from '../qemu/process'

export interface LibvirtDaemon {
  /** systemd unit to restart. */
  readonly unit: 'virtqemud' | 'libvirtd'
  /** Process id; undefined when it is started on demand and has gone idle. */
  readonly pid: number | undefined
  /** Limits that new guests inherit when max_files is 0. */
  readonly openFiles: OpenFiles | undefined
}

/** undefined when neither daemon runs nor listens. */
export function readDaemon(host: Host): LibvirtDaemon | undefined {
  const { proc } = host.paths
  const pids = host.list(proc).filter((name) => /^\d+$/.test(name))
  for (const unit of ['virtqemud', 'libvirtd'] as const) {
    const pid = pids.find((name) => allowed(() => host.readText(`${proc}/${name}/comm`))?.trim() === unit)
    if (pid !== undefined) return { unit, pid: Number(pid), openFiles: readOpenFiles(host, Number(pid)) }
  }
  // Socket activation: the daemon ends after two minutes without clients, its socket stays.
  const { runLibvirt } = host.paths.hypervisor
  if (host.exists(`${runLibvirt}/virtqemud-sock`))
    return { unit: 'virtqemud', pid: undefined, openFiles: undefined }
  if (host.exists(`${runLibvirt}/libvirt-sock`))
    return { unit: 'libvirtd', pid: undefined, openFiles: undefined }
  return undefined
}
