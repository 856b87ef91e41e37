/**
 * Changes the inactive XML of a guest: backup, validate and define, read back, and the old XML again when anything
 * is not as wanted. Never starts, stops or reconfigures a running guest.
 */
import { messageOf, VqtuneError } from '../../errors'
import type { System } from '../../system/system'
import type { Virsh } from '../libvirt/virsh'
import type { DomainRef } from '../libvirt/virsh-output'
import {
  type Backup,
  type BackupAction,
  backupDirectory,
  discardBackup,
  saveBackup,
  updateAfter,
} from './backup'
import { removeSafely, writeSafely } from './safe-file'

export interface DomainChange {
  readonly action: BackupAction
  readonly domain: DomainRef
  /** As read with Virsh.inactiveXmlForEdit. */
  readonly before: string
  readonly after: string
  /** Checks the XML that libvirt stored; returns what is wrong, or undefined. */
  readonly verify: (xml: string) => string | undefined
}

/** @returns the record for an undo. @throws VqtuneError; then libvirt has the old XML again unless the message says otherwise. */
export async function changeDomain(system: System, virsh: Virsh, change: DomainChange): Promise<Backup> {
  const { action, domain, before, after } = change
  // Like `virsh edit`: a concurrent change must not be lost.
  if ((await virsh.inactiveXmlForEdit(domain)) !== before) {
    throw new VqtuneError('busy', `${domain.name}: modified concurrently; nothing was changed, try again`)
  }
  const target = { kind: 'domain', uri: virsh.uri, name: domain.name, uuid: domain.uuid } as const
  const backup = saveBackup(system, { action, target, before, after })
  try {
    const readBack = await define(system, virsh, domain, backup, after)
    const wrong = change.verify(readBack)
    if (wrong !== undefined)
      throw new VqtuneError('not-converged', `${domain.name}: libvirt accepted the XML, but ${wrong}`)
    // libvirt writes its own spelling; the undo compares with that.
    return updateAfter(system, backup, readBack)
  } catch (error) {
    throw await restored(system, virsh, domain, backup, before, error)
  }
}

async function define(
  system: System,
  virsh: Virsh,
  domain: DomainRef,
  backup: Backup,
  xml: string,
): Promise<string> {
  const file = `${backupDirectory(system)}/${backup.id}.xml`
  try {
    writeSafely(system, file, xml, { mode: 0o600, directoryMode: 0o700 })
    return await virsh.define(domain, file)
  } finally {
    removeSafely(system, file)
  }
}

/** Restores the old XML where needed. @returns the error to throw, including the outcome. */
async function restored(
  system: System,
  virsh: Virsh,
  domain: DomainRef,
  backup: Backup,
  before: string,
  error: unknown,
): Promise<unknown> {
  const kind = error instanceof VqtuneError ? error.kind : 'tool-failed'
  const say = (end: string): VqtuneError =>
    new VqtuneError(kind, `${messageOf(error)}; ${end}`, { cause: error })
  try {
    if ((await virsh.inactiveXmlForEdit(domain)) === before) {
      discardBackup(system, backup)
      return messageOf(error).includes('nothing was changed') ? error : say('nothing was changed')
    }
    const now = await define(system, virsh, domain, backup, before)
    if (now !== before)
      return say(
        `the old XML was restored, as reformatted by libvirt; the exact text: vqtune host undo ${backup.id}`,
      )
    discardBackup(system, backup)
    return say('the old XML was restored')
  } catch (failure) {
    return say(
      `restoring the old XML failed, too (${messageOf(failure)}); it is in backup ${backup.id}: vqtune host undo`,
    )
  }
}
