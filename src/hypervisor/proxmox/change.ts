/** Changes netX of a virtual machine through `qm set`: backup, set, read back, and the old values again when they differ. */
import { messageOf, VqtuneError } from '../../errors'
import type { System } from '../../system/system'
import { type Backup, type BackupAction, discardBackup, saveBackup } from '../change/backup'
import { linesOf, parseConfig } from './config'
import type { Qm } from './qm'

export interface ProxmoxChange {
  readonly action: BackupAction
  readonly vmid: string
  readonly name: string
  /** `netX: value` lines, as they are and as they are to be; the same keys in both. */
  readonly before: string
  readonly after: string
}

/** @returns the record for an undo. @throws VqtuneError; then the old values are back, or the message says that not. */
export async function changeProxmox(system: System, qm: Qm, change: ProxmoxChange): Promise<Backup> {
  const { action, vmid, name, before, after } = change
  const keys = [...parseConfig(after).keys()]
  const read = async (): Promise<string> => linesOf(await qm.config(vmid), keys)
  if ((await read()) !== before) {
    throw new VqtuneError('busy', `${vmid}: modified concurrently; nothing was changed, try again`)
  }
  const backup = saveBackup(system, { action, target: { kind: 'proxmox', vmid, name }, before, after })
  try {
    await qm.set(vmid, parseConfig(after))
    const now = await read()
    if (now !== after)
      throw new VqtuneError(
        'not-converged',
        `${vmid}: qm took the change, but the configuration has not got it`,
      )
    return backup
  } catch (error) {
    throw await restored(system, qm, change, backup, read, error)
  }
}

async function restored(
  system: System,
  qm: Qm,
  { vmid, before }: ProxmoxChange,
  backup: Backup,
  read: () => Promise<string>,
  error: unknown,
): Promise<VqtuneError> {
  const kind = error instanceof VqtuneError ? error.kind : 'tool-failed'
  const say = (end: string): VqtuneError =>
    new VqtuneError(kind, `${messageOf(error)}; ${end}`, { cause: error })
  try {
    if ((await read()) !== before) await qm.set(vmid, parseConfig(before))
    if ((await read()) !== before) return say(`the old values are in backup ${backup.id}: vqtune host undo`)
    discardBackup(system, backup)
    return say('it is as it was')
  } catch (failure) {
    return say(
      `putting the old values back failed too (${messageOf(failure)}); they are in backup ${backup.id}: vqtune host undo`,
    )
  }
}
