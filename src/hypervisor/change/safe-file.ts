/**
 * Whole-file changes on a hypervisor: the old text, mode and owner are kept or come back.
 * A change either is complete or leaves nothing, not even a temporary file.
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf, messageOf, VqtuneError } from '../../errors'
import { makeDirectory } from '../../system/make-directory'
import type { System } from '../../system/system'

export interface NewFileMode {
  /** Permission bits of a file that did not exist; an existing one keeps its own. */
  readonly mode: number
  /** Permission bits of a directory that has to be made; undefined: the directory must exist. */
  readonly directoryMode?: number
}

/**
 * Replaces or creates a file atomically. A symbolic link stays one: its target is replaced.
 * @throws VqtuneError kind permission or state; then the old file is as it was.
 */
export function writeSafely(path: string, text: string, fresh: NewFileMode): void {
  let temporary: string | undefined
  try {
    if (fresh.directoryMode !== undefined) makeDirectory(dirname(path), fresh.directoryMode)
    const target = resolveLink(path)
    const old = statSync(target, { throwIfNoEntry: false })
    temporary = `${target}.${process.pid}.tmp`
    // 0600 first: the text may hold passwords, and the wider mode is given only to the finished file.
    const fd = openSync(temporary, 'wx', 0o600)
    try {
      writeFileSync(fd, text)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    if (old !== undefined) chownSync(temporary, old.uid, old.gid)
    chmodSync(temporary, old === undefined ? fresh.mode : old.mode & 0o7777)
    renameSync(temporary, target)
    temporary = undefined
    syncDirectory(dirname(target))
  } catch (error) {
    if (temporary !== undefined) rmSync(temporary, { force: true })
    throw writeError(path, error)
  }
}

/** Removes a file; no error when it is gone already. */
export function removeSafely(path: string): void {
  try {
    rmSync(path, { force: true })
    syncDirectory(dirname(path))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return
    throw writeError(path, error)
  }
}

/** The text of a configuration file, undefined when there is none. @throws VqtuneError when it may not be read. */
export function readConfigFile(system: System, path: string): string | undefined {
  try {
    return system.readText(path)
  } catch (error) {
    throw fileError(path, 'cannot read', error)
  }
}

/** One line for a failed write. */
function writeError(path: string, error: unknown): VqtuneError {
  const known = fileError(path, 'cannot write', error)
  return new VqtuneError(known.kind, `${known.message}; nothing was changed`, { cause: error })
}

function fileError(path: string, what: string, error: unknown): VqtuneError {
  const reason = REASONS[errnoOf(error) ?? '']
  return reason === undefined
    ? new VqtuneError('state', `${path}: ${what}: ${messageOf(error)}`, { cause: error })
    : new VqtuneError(reason.kind, `${path}: ${what}: ${reason.text}`, { cause: error })
}

const REASONS: Readonly<Record<string, { kind: 'permission' | 'state' | 'busy'; text: string }>> = {
  EACCES: { kind: 'permission', text: 'permission denied; run as root' },
  EPERM: { kind: 'permission', text: 'operation not permitted; run as root' },
  EROFS: { kind: 'permission', text: 'the file system is read-only' },
  ENOSPC: { kind: 'state', text: 'no space left on the file system' },
  EDQUOT: { kind: 'state', text: 'the disk quota is used up' },
  ENOENT: { kind: 'state', text: 'its directory does not exist' },
  ENOTDIR: { kind: 'state', text: 'a part of the path is not a directory' },
  EEXIST: { kind: 'busy', text: 'a temporary file of the same process number is in the way' },
}

function resolveLink(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return path
    throw error
  }
}

/** Makes the rename itself durable. */
function syncDirectory(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
