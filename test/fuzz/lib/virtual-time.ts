/** A clock that stands still while anything works, and processes that share it: a minute of waiting takes no time. */
import { AsyncLocalStorage } from 'node:async_hooks'

export interface Process {
  readonly pid: number
  readonly purpose: string
  alive: boolean
  /** Writes until it is killed; undefined: it is not. */
  writesLeft?: number
}

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

export const time = {
  now: 1_000,
  sleepers: [] as Sleeper[],
  processes: new Map<number, Process>(),
  lockedBy: undefined as Process | undefined,
}
const current = new AsyncLocalStorage<Process>()

export function resetTime(): void {
  time.now = 1_000
  time.sleepers = []
  time.processes.clear()
  time.lockedBy = undefined
}

export function startProcess(purpose: string): Process {
  const process = { pid: time.processes.size + 100, purpose, alive: true }
  time.processes.set(process.pid, process)
  return process
}

/** kill -9: nothing that it still does has an effect, and the kernel releases its lock. */
export function kill(process: Process): void {
  process.alive = false
  if (time.lockedBy === process) time.lockedBy = undefined
}

export function inProcess<T>(process: Process, work: () => T): T {
  return current.run(process, work)
}

export function currentProcess(): Process {
  const process = current.getStore()
  if (process === undefined) throw new Error('outside of any process')
  return process
}

export function sleep(ms: number, value?: unknown, options?: { signal?: AbortSignal }): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const signal = options?.signal
    const sleeper: Sleeper = {
      at: time.now + Math.max(0, ms),
      wake: () => {
        signal?.removeEventListener('abort', abort)
        resolve(value)
      },
    }
    const abort = (): void => {
      time.sleepers = time.sleepers.filter((one) => one !== sleeper)
      reject(new Error('aborted'))
    }
    if (signal?.aborted === true) {
      reject(new Error('aborted'))
      return
    }
    time.sleepers.push(sleeper)
    signal?.addEventListener('abort', abort, { once: true })
  })
}

/** Lets everything work that need not wait. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Goes to the next moment at which somebody wakes up. @returns false if that is after `limit` */
export function wakeNext(limit: number): boolean {
  const next = Math.min(...time.sleepers.map(({ at }) => at))
  if (next > limit) return false
  time.now = Math.max(time.now, next)
  const due = time.sleepers.filter(({ at }) => at <= time.now)
  time.sleepers = time.sleepers.filter(({ at }) => at > time.now)
  for (const { wake } of due) wake()
  return true
}

/**
 * Waits for something, as long as it takes on this clock.
 * @throws if it takes longer than `limitMs`, or never ends
 */
export async function finished<T>(
  work: Promise<T>,
  limitMs: number,
  process: Process,
): Promise<T | undefined> {
  const end = time.now + limitMs
  let isOver = false
  const watched = work.finally(() => {
    isOver = true
  })
  watched.catch(() => {})
  for (;;) {
    await settle()
    if (isOver) return watched
    // What still goes on in it has no effect.
    if (!process.alive) return undefined
    // A module is being loaded.
    for (let i = 0; i < 2_000 && !isOver && time.sleepers.length === 0; i++)
      await new Promise((resolve) => setTimeout(resolve, 1))
    if (!isOver && !wakeNext(end)) throw new Error(`not over after ${limitMs} ms`)
  }
}

/** Only one process has it; a process that ends or is killed releases it. */
export async function takeVirtualLock(waitMs: number): Promise<{ release(): void }> {
  const mine = currentProcess()
  const end = time.now + waitMs
  const isDead = () => Object.assign(new Error('killed'), { kind: 'busy' })
  while (time.lockedBy !== undefined) {
    if (!mine.alive) throw isDead()
    if (time.now >= end) throw Object.assign(new Error('busy'), { kind: 'busy' })
    await sleep(10)
  }
  if (!mine.alive) throw isDead()
  time.lockedBy = mine
  return {
    release: () => {
      if (time.lockedBy === mine) time.lockedBy = undefined
    },
  }
}
