/**
 * One writer at a time across processes: boot unit, daemon and administrator may run at once. flock(2) belongs to the
 * open file description, so the kernel releases the lock however this process ends. Node has no flock(2); flock(1) takes
 * it on a descriptor that it inherits and that we keep open. The lock is only taken when something has to be written.
 */
import { spawn } from 'node:child_process'
import { closeSync, constants, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { errnoOf, fileError, VqtuneError } from '../errors'
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
 * @throws VqtuneError kind busy (naming the holder), permission, state, tool-missing
 */
export async function takeLock(system: System, purpose: string, waitMs = WAIT_MS): Promise<Lock> {
  const path = `${system.paths.runDir}/lock`
  const fd = openLock(system, path)
  try {
    const { status, complaint } = await flock(system, fd, waitMs)
    if (status === HELD) throw new VqtuneError('busy', busyText(path, waitMs))
    if (status !== 0) throw new VqtuneError('state', `${path}: cannot lock: ${complaint}`)
    nameHolder(system, path, fd, purpose)
    return { release: () => closeSync(fd) }
  } catch (error) {
    closeSync(fd)
    throw error
  }
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

function flock(system: System, fd: number, waitMs: number): Promise<{ status: number; complaint: string }> {
  // Always the running system's own flock, also for a captured tree.
  const program = openSystem().findTool('flock')
  if (program === undefined) throw new VqtuneError('tool-missing', 'flock (util-linux) is not installed')
  const args = ['-x', '-w', String(waitMs / 1000), '-E', String(HELD), '3']
  const ended = system.trace?.run([program, ...args])
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe', fd],
    env: { ...CHILD_ENV },
    timeout: waitMs + 5_000,
    killSignal: 'SIGKILL',
  })
  let complaint = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      ended?.(error)
      reject(error)
    })
    child.on('close', (status, signal) => {
      ended?.(status ?? `signal ${signal}`)
      resolve({ status: status ?? -1, complaint: complaint.trim() })
    })
  })
}

function openLock(system: System, path: string): number {
  try {
    mkdirSync(system.paths.runDir, { recursive: true, mode: 0o755 })
    refuseForeign(system)
    return openFile(path)
  } catch (error) {
    if (error instanceof VqtuneError) throw error
    throw fileError(error, path, 'cannot open the lock')
  }
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

function busyText(path: string, waitMs: number): string {
  const holder = readFileSync(path, 'utf8').trim()
  const match = /^(\d+) ([\w -]+)$/.exec(holder)
  const who = match === null ? 'another vqtune' : `vqtune ${match[2]} (PID ${match[1]})`
  return `timed out after ${waitMs / 1000} s waiting for the lock held by ${who}; ${path} is released when that process exits`
}
