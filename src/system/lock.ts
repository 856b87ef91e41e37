/**
 * One writer at a time across processes: boot unit, daemon and administrator may run at once. flock(2) belongs to the
 * open file description, so the kernel releases the lock however this process ends. Node has no flock(2); flock(1) takes
 * it on a descriptor that it inherits and that we keep open. The lock is only taken when something has to be written.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs'
import { errnoOf, fileError, VqtuneError } from '../errors'
import { startChild } from './child'
import { makeDirectory } from './make-directory'
import { ownershipProblem } from './ownership'
import { CHILD_ENV, openSystem, type System, tracedWrite } from './system'

export interface Lock {
  release(): void
}

/** flock's exit status for a lock that is held (-E); one that flock itself never uses. */
const HELD = 75

/** As long as a pass of another vqtune takes, with some to spare. */
const WAIT_MS = 10_000

/**
 * Waits for the lock and takes it.
 * @param purpose shown to processes that wait, such as `apply`
 * @param waitMs 0..; a whole number of milliseconds
 * @param signal ends the waiting
 * @throws VqtuneError kind busy (naming the holder), permission, state, tool-missing, tool-failed
 */
export function takeLock(
  system: System,
  purpose: string,
  waitMs = WAIT_MS,
  signal?: AbortSignal,
): Promise<Lock> {
  const path = `${system.paths.runDir}/lock`
  const busy = (holder: string): string =>
    `timed out after ${waitMs / 1000} s waiting for the lock held by ${holder}; ${path} is released when that process exits`
  return takeFile(system, path, { purpose, waitMs, busy, signal })
}

/**
 * Takes what only one daemon has, for as long as the process lives.
 * @throws VqtuneError kind busy when another one runs; else as takeLock
 */
export function takeDaemonLock(system: System): Promise<Lock> {
  const busy = (holder: string): string => `${holder} is already running`
  return takeFile(system, `${system.paths.runDir}/daemon.lock`, { purpose: 'daemon', waitMs: 0, busy })
}

interface Taking {
  readonly purpose: string
  readonly waitMs: number
  /** The message if it is held, by a `vqtune apply (PID 812)`. */
  readonly busy: (holder: string) => string
  readonly signal?: AbortSignal | undefined
}

async function takeFile(system: System, path: string, taking: Taking): Promise<Lock> {
  let leftMs = taking.waitMs
  const end = performance.now() + leftMs
  for (;;) {
    const fd = openLock(system, path)
    let isOurs = false
    try {
      const { status, complaint } = await flock(system, fd, leftMs, taking.signal)
      if (status === HELD) throw new VqtuneError('busy', taking.busy(holderOf(fd)))
      if (status !== 0) throw new VqtuneError('state', `${path}: cannot lock: ${complaint}`)
      // When somebody removed the file while we waited for it, others lock the one that is there now.
      isOurs = isAt(path, fd)
    } finally {
      if (!isOurs) close(fd)
    }
    if (!isOurs) {
      leftMs = Math.max(0, Math.ceil(end - performance.now()))
      continue
    }
    nameHolder(system, path, fd, taking.purpose)
    return { release: () => close(fd) }
  }
}

/** Linux gives the descriptor back, and with it the lock, whatever close(2) answers: close(2), NOTES. */
function close(fd: number): void {
  try {
    closeSync(fd)
  } catch {}
}

function isAt(path: string, fd: number): boolean {
  const there = statSync(path, { throwIfNoEntry: false })
  const ours = fstatSync(fd)
  return there?.ino === ours.ino && there.dev === ours.dev
}

/** Names the holder for processes that wait. If that cannot be written, they show "another vqtune" instead. */
function nameHolder(system: System, path: string, fd: number, purpose: string): void {
  const text = `${process.pid} ${purpose}\n`
  try {
    tracedWrite(system, 'write', path, text, () => {
      ftruncateSync(fd, 0)
      writeSync(fd, text, 0)
    })
  } catch {}
}

async function flock(
  system: System,
  fd: number,
  waitMs: number,
  signal: AbortSignal | undefined,
): Promise<{ status: number; complaint: string }> {
  // Always the running system's own flock, also for a captured tree.
  const program = openSystem().findTool('flock')
  if (program === undefined) throw new VqtuneError('tool-missing', 'flock (util-linux) is not installed')
  const args = ['-x', '-w', String(waitMs / 1000), '-E', String(HELD), '3']
  const traced = system.trace?.run([program, ...args])
  const { process: child, ended } = startChild(program, args, {
    stdio: ['ignore', 'ignore', 'pipe', fd],
    env: { ...CHILD_ENV },
    timeout: waitMs + 5_000,
    killSignal: 'SIGKILL',
    // A hang-up must not keep a NIC that was cut off from going back; see runFile.
    detached: true,
  })
  const stop = (): void => void child.kill()
  signal?.addEventListener('abort', stop)
  let complaint = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  try {
    const end = await ended
    traced?.(end.code ?? `signal ${end.signal}`)
    if (signal?.aborted === true && end.code !== 0) {
      throw new VqtuneError('busy', 'interrupted while waiting for another vqtune')
    }
    return { status: end.code ?? -1, complaint: complaint.trim() || `flock was ended by ${end.signal}` }
  } catch (error) {
    traced?.(error)
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

function openLock(system: System, path: string): number {
  try {
    makeDirectory(system.paths.runDir)
    refuseForeign(system)
    return openFile(path)
  } catch (error) {
    if (error instanceof VqtuneError) throw error
    const failure = fileError(error, path, 'cannot open the lock')
    throw new VqtuneError(failure.kind, `${failure.message}${hint(system, errnoOf(error))}`, { cause: error })
  }
}

/** Below /run the sandbox of the daemon can write to nothing but the directory that was there when it started. */
function hint({ paths }: System, errno: string | undefined): string {
  const isGone = errno === 'EROFS' && statSync(paths.runDir, { throwIfNoEntry: false }) === undefined
  return isGone ? `; ${paths.runDir} was removed: systemctl restart vqtuned.service creates it again` : ''
}

function openFile(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  } catch (error) {
    if (errnoOf(error) !== 'EROFS') throw error
    // An existing file locks as well. Whether the ledger has to be written is the caller's concern.
    try {
      return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    } catch {
      throw error
    }
  }
}

/** Ledger and daemon state are in the same directory: whoever could write there would choose what rollback writes. */
function refuseForeign(system: System): void {
  const { root, runDir } = system.paths
  const problem = root === '' ? ownershipProblem(system, runDir) : undefined
  if (problem !== undefined) throw new VqtuneError('state', `${runDir}: ${problem}`)
}

function holderOf(fd: number): string {
  const text = Buffer.alloc(64)
  const match = /^(\d+) ([\w -]+)\n/.exec(text.toString('utf8', 0, readSync(fd, text, 0, text.length, 0)))
  return match === null ? 'another vqtune' : `vqtune ${match[2]} (PID ${match[1]})`
}
