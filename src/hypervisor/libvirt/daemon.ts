/** Which libvirt daemon runs QEMU guests here: the modular virtqemud, or the monolithic libvirtd. */
import type { System } from '../../system/system'
import { wholeNumber } from '../../text/numbers'
import { allowed, type OpenFiles, readOpenFiles } from '../qemu/process'

export interface LibvirtDaemon {
  /** systemd unit to restart. */
  readonly unit: 'virtqemud' | 'libvirtd'
  /** Process id; undefined when it is started on demand and has gone idle. */
  readonly pid: number | undefined
  /** Limits that new guests inherit when max_files is 0; of an idle daemon what its unit will give it. */
  readonly openFiles: OpenFiles | undefined
}

/** undefined when neither daemon runs nor listens. */
export async function readDaemon(system: System): Promise<LibvirtDaemon | undefined> {
  const { proc } = system.paths
  const pids = system.list(proc).filter((name) => /^\d+$/.test(name))
  for (const unit of ['virtqemud', 'libvirtd'] as const) {
    const pid = pids.find((name) => allowed(() => system.readText(`${proc}/${name}/comm`))?.trim() === unit)
    if (pid !== undefined) return { unit, pid: Number(pid), openFiles: readOpenFiles(system, Number(pid)) }
  }
  // Socket activation: the daemon ends after two minutes without clients, its socket stays.
  const { runLibvirt } = system.paths.hypervisor
  const idle = (['virtqemud', 'libvirtd'] as const).find((unit) =>
    system.exists(`${runLibvirt}/${SOCKETS[unit]}`),
  )
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
  const limit = text === 'infinity' ? Number.POSITIVE_INFINITY : wholeNumber(text)
  return limit === undefined ? undefined : { limit, used: undefined }
}
