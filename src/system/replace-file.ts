/** Whole-file changes: complete, or nothing is left of them, not even a temporary file. */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf } from '../errors'
import { makeDirectory } from './make-directory'

export interface ReplaceOptions {
  /** Permission bits of a new file, whatever the umask; default 0644: `vqtune status` needs no privileges. */
  readonly mode?: number
  /** Permission bits of its directory where that is made; its parents get 0755. Default 0755; with keep: it must be there. */
  readonly directoryMode?: number
  /**
   * For what is on disk and may be an administrator's: an existing file keeps mode and owner, a symbolic link stays one and
   * its target is replaced, and the new file is there after a power cut, too. Without this a link is replaced itself, and so
   * leads nowhere else.
   */
  readonly keep?: boolean
}

/** Temporary file, fsync, rename. @throws the system error; then all is as before */
export function replaceFile(path: string, text: string, options: ReplaceOptions = {}): void {
  const { mode = 0o644, keep = false, directoryMode = keep ? undefined : 0o755 } = options
  if (directoryMode !== undefined) makeDirectory(dirname(path), directoryMode)
  const target = keep ? resolveLink(path) : path
  const old = keep ? statSync(target, { throwIfNoEntry: false }) : undefined
  // The directory may be another user's, such as node_exporter's: a name that he cannot guess, and a file that is not
  // there yet, or he could have put a link in its place. What he does to the finished file is his own affair.
  const temporary = `${target}.${process.pid}.${process.hrtime.bigint().toString(36)}.tmp`
  // 0600 first: the text may hold passwords, and the wider mode is given only to the finished file.
  const fd = openSync(temporary, 'wx', 0o600)
  try {
    try {
      writeFileSync(fd, text)
      if (old !== undefined) fchownSync(fd, old.uid, old.gid)
      fchmodSync(fd, old === undefined ? mode : old.mode & 0o7777)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(temporary, target)
  } catch (error) {
    // A full disk is not made fuller; and a temporary file that is left is of no use.
    rmSync(temporary, { force: true })
    throw error
  }
  if (keep) syncDirectory(dirname(target))
}

/** Removes a file durably; no error when it is gone already. @throws the system error */
export function removeFile(path: string): void {
  try {
    rmSync(path, { force: true })
    syncDirectory(dirname(path))
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}

function resolveLink(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return path
    throw error
  }
}

/** Makes a rename or a removal itself durable. */
function syncDirectory(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
