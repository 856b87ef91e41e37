/** Changes one configuration file: backup first, then the file; the backup is deleted if the file could not be written. */
import { VqtuneError } from '../../errors'
import type { System } from '../../system/system'
import { type Backup, type BackupAction, discardBackup, saveBackup } from './backup'
import { readConfigFile, removeSafely, writeSafely } from './safe-file'

export interface FileChange {
  readonly action: BackupAction
  readonly path: string
  /** undefined: the file does not exist. */
  readonly before: string | undefined
  /** undefined: remove the file. */
  readonly after: string | undefined
  /** Mode of a file that did not exist. */
  readonly mode: number
}

/** @returns the record for an undo. @throws VqtuneError; then the file is as it was. */
export function changeFile(system: System, change: FileChange): Backup {
  const { action, path, before, after, mode } = change
  if (readConfigFile(system, path) !== before) {
    throw new VqtuneError('busy', `${path}: modified concurrently; nothing was changed, try again`)
  }
  const backup = saveBackup(system, {
    action,
    target: { kind: 'file', path },
    before: before ?? null,
    after: after ?? null,
  })
  try {
    if (after === undefined) removeSafely(system, path)
    else writeSafely(system, path, after, { mode })
  } catch (error) {
    discardBackup(system, backup)
    throw error
  }
  return backup
}
