/** Which libvirt daemon runs QEMU guests here: the modular virtqemud, or the monolithic libvirtd. */
import { findPrograms } from '../../kernel/processes'
import type { System } from '../../system/system'
import { parseWholeNumber } from '../../text/numbers'
import { type OpenFiles, readOpenFiles } from '../qemu/process'

/** systemd units, the modular one first. */
export const LIBVIRT_UNITS = ['virtqemud', 'libvirtd'] as const

export interface LibvirtDaemon {
  /** systemd unit to restart. */
  readonly unit: (typeof LIBVIRT_UNITS)[number]
  /** Process id; undefined when it is started on demand and has gone idle. */
  readonly pid: number | undefined
  /** Limits that new guests inherit when max_files is 0; of an idle daemon what its unit will give it. */
  readonly openFiles: OpenFiles | undefined
}

/** undefined when neither daemon runs nor listens. */
export async function readDaemon(system: System): Promise<LibvirtDaemon | undefined> {
  for (const unit of LIBVIRT_UNITS) {
    const [process] = findPrograms(system, [{ name: unit }])
    if (process !== undefined)
      return { unit, pid: process.pid, openFiles: readOpenFiles(system, process.pid) }
  }
  // Socket activation: the daemon ends after two minutes without clients, its socket stays.
  const { runLibvirt } = system.paths.hypervisor
  const idle = LIBVIRT_UNITS.find((unit) => system.exists(`${runLibvirt}/${SOCKETS[unit]}`))
  return idle === undefined
    ? undefined
    : { unit: idle, pid: undefined, openFiles: await readUnitLimit(system, idle) }
}

const SOCKETS = { virtqemud: 'virtqemud-sock', libvirtd: 'libvirt-sock' } as const

async function readUnitLimit(system: System, unit: string): Promise<OpenFiles | undefined> {
  if (system.findTool('systemctl') === undefined) return undefined
  const result = await system
    .run('systemctl', ['show', '-p', 'LimitNOFILESoft', `${unit}.service`])
    .catch(() => undefined)
  const text = /^LimitNOFILESoft=(\S+)$/m.exec(result?.stdout ?? '')?.[1]
  const limit = text === 'infinity' ? Number.POSITIVE_INFINITY : parseWholeNumber(text)
  return limit === undefined ? undefined : { limit, used: undefined }
}
