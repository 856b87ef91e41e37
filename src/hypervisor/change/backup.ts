/**
 * What a host verb replaced, kept under stateDir/backups until an administrator deletes it.
 * A record holds a guest's XML with its passwords, so only root may read it.
 */
import { randomBytes } from 'node:crypto'
import { fileErrorInWords, isDenied, VqtuneError } from '../../errors'
import { ownershipProblem } from '../../system/ownership'
import type { System } from '../../system/system'
import { removeSafely, writeSafely } from './safe-file'

export const BACKUP_ACTIONS = ['set-queues', 'max-files', 'zerocopy-on', 'zerocopy-off', 'undo'] as const
export type BackupAction = (typeof BACKUP_ACTIONS)[number]

/** What was changed, and so what an undo changes back. */
export type BackupTarget =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'domain'; readonly uri: string; readonly name: string; readonly uuid: string }
  | { readonly kind: 'proxmox'; readonly vmid: string; readonly name: string }

export interface Backup {
  readonly version: 1
  /** File name without .json; sorts by time. */
  readonly id: string
  /** ISO 8601, UTC. */
  readonly time: string
  readonly action: BackupAction
  readonly target: BackupTarget
  /** null: the file did not exist. */
  readonly before: string | null
  /** What we wrote; null: the file was removed. An undo refuses when somebody changed it since. */
  readonly after: string | null
  /** Time of the undo, or null. */
  readonly undone: string | null
  /** True for the record that an undo makes of what it replaced. */
  readonly byUndo: boolean
}

export function backupDirectory(system: System): string {
  return `${system.paths.stateDir}/backups`
}

/** Writes a record before the change. @throws VqtuneError; then nothing must be changed. */
export function saveBackup(
  system: System,
  record: Pick<Backup, 'action' | 'target' | 'before' | 'after'>,
  now = new Date(),
): Backup {
  const time = now.toISOString()
  const stamp = time.replace(/[-:]/g, '').replace(/\.\d+Z$/, 'Z')
  const backup: Backup = {
    version: 1,
    id: `${stamp}-${record.action}-${randomBytes(3).toString('hex')}`,
    time,
    undone: null,
    byUndo: record.action === 'undo',
    ...record,
  }
  write(system, backup)
  return backup
}

export function markUndone(system: System, backup: Backup, now = new Date()): void {
  write(system, { ...backup, undone: now.toISOString() })
}

/** Records what the target really holds now, if that is not byte for byte what we wrote. */
export function updateAfter(system: System, backup: Backup, after: string): Backup {
  if (after === backup.after) return backup
  const updated = { ...backup, after }
  write(system, updated)
  return updated
}

/** Deletes the record of a change that did not happen. */
export function discardBackup(system: System, backup: Backup): void {
  removeSafely(system, backupPath(system, backup.id))
}

export function backupPath(system: System, id: string): string {
  return `${backupDirectory(system)}/${id}.json`
}

/** All records, oldest first. @throws VqtuneError naming a record that cannot be read. */
export function listBackups(system: System): readonly Backup[] {
  const directory = backupDirectory(system)
  try {
    return system
      .list(directory)
      .filter((name) => name.endsWith('.json'))
      .map((name) => readBackup(system, `${directory}/${name}`))
      .sort((a, b) => (a.time === b.time ? (a.id < b.id ? -1 : 1) : a.time < b.time ? -1 : 1))
  } catch (error) {
    throw isDenied(error) ? fileErrorInWords(error, directory, 'cannot read') : error
  }
}

/** @throws VqtuneError kind state for a record that others could have written: an undo writes what it says. */
function readBackup(system: System, path: string): Backup {
  const problem = system.paths.root === '' ? ownershipProblem(system, path) : undefined
  if (problem !== undefined) throw new VqtuneError('state', `${path}: ${problem}`)
  return parseBackup(system.readText(path) ?? '', path)
}

/** @throws VqtuneError kind state for anything that saveBackup does not write. */
export function parseBackup(text: string, path: string): Backup {
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch (error) {
    // The parser's message quotes the text, which may be a password.
    throw new VqtuneError('state', `${path}: not a backup record: not JSON`, { cause: error })
  }
  if (!isBackup(raw) || !path.endsWith(`/${raw.id}.json`))
    throw new VqtuneError('state', `${path}: not a backup record of this version`)
  return raw
}

/** What each kind of target is known by. */
const TARGET_KEYS: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['file', ['path']],
  ['domain', ['uri', 'name', 'uuid']],
  ['proxmox', ['vmid', 'name']],
])

function isBackup(raw: unknown): raw is Backup {
  const record = fields(raw)
  const target = fields(record.target)
  const strings = [record.id, record.time, record.action]
  const texts = [record.before, record.after, record.undone]
  const targetStrings = TARGET_KEYS.get(target.kind)?.map((key) => target[key])
  return (
    record.version === 1 &&
    targetStrings !== undefined &&
    [...strings, ...targetStrings].every((value) => typeof value === 'string') &&
    texts.every((value) => value === null || typeof value === 'string') &&
    !Number.isNaN(Date.parse(String(record.time))) &&
    typeof record.byUndo === 'boolean'
  )
}

function fields(raw: unknown): Readonly<Record<string, unknown>> {
  return typeof raw === 'object' && raw !== null ? (raw as Record<string, unknown>) : {}
}

function write(system: System, backup: Backup): void {
  writeSafely(system, backupPath(system, backup.id), `${JSON.stringify(backup, undefined, 2)}\n`, {
    mode: 0o600,
    directoryMode: 0o700,
  })
}
