/**
 * Starting programs. Whatever spawn(2) answers is one kind of error here: Node tells of some errors by an event and throws
 * the others, such as EPERM, which is fapolicyd's answer, and ENOMEM.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { errnoOf, messageOf, VqtuneError } from '../errors'

export interface ChildEnd {
  /** Exit status; null when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Child {
  readonly process: ChildProcess
  /**
   * When it has ended and what it printed was read. What it left running may keep its pipes open: that is not waited for.
   * @throws VqtuneError kind tool-failed when it could not be started
   */
  readonly ended: Promise<ChildEnd>
}

/** What a program printed last is in its pipes when it ends. */
const DRAIN_MS = 500

/** @throws VqtuneError kind tool-failed, now or by `ended`, which therefore must be waited for */
export function startChild(file: string, args: readonly string[], options: SpawnOptions): Child {
  let child: ChildProcess
  try {
    child = spawn(file, args, options)
  } catch (error) {
    throw notStarted(file, error)
  }
  const ended = new Promise<ChildEnd>((resolve, reject) => {
    let drained: NodeJS.Timeout | undefined
    // Also told of when a signal cannot be sent: then it runs, and its end is still to come.
    child.on('error', (error) => {
      if (child.pid === undefined) reject(notStarted(file, error))
    })
    child.once('exit', (code, signal) => {
      drained = setTimeout(() => {
        closePipes(child)
        resolve({ code, signal })
      }, DRAIN_MS)
    })
    child.once('close', (code, signal) => {
      clearTimeout(drained)
      resolve({ code, signal })
    })
  })
  return { process: child, ended }
}

/** Kills it, with what it started when it has a process group of its own, and waits for nothing: it may sleep in the kernel. */
export function abandonChild(child: ChildProcess, hasGroup: boolean): void {
  const { pid, exitCode, signalCode } = child
  if (hasGroup && pid !== undefined && exitCode === null && signalCode === null) {
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It ended just now.
    }
  } else child.kill('SIGKILL')
  closePipes(child)
  child.unref()
}

function closePipes(child: ChildProcess): void {
  child.stdout?.destroy()
  child.stderr?.destroy()
}

function notStarted(file: string, error: unknown): VqtuneError {
  const why = errnoOf(error) ?? messageOf(error)
  return new VqtuneError('tool-failed', `${file}: cannot be started (${why})`, { cause: error })
}
