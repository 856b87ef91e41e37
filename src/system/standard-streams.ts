/**
 * The standard streams by their descriptors: process.stdout brings in streams and sockets, which takes a quarter of the
 * time of a converged apply.
 */
import { constants, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { errnoOf, messageOf } from '../errors'

/** What was not taken is tried again so often. */
const RETRY_MS = 10

/**
 * Where something is printed. What cannot be written neither stops the work nor holds it up: an error is remembered, and
 * what a terminal or a pipe does not take now (Ctrl-S, a pager) waits.
 */
export class OutputStream {
  private waiting = Buffer.alloc(0)
  private target: number | undefined
  private timer: NodeJS.Timeout | undefined
  private firstProblem: string | undefined

  /** @param maxWaiting bytes; what would be more is left out */
  constructor(
    private readonly fd: number,
    private readonly maxWaiting = Number.POSITIVE_INFINITY,
  ) {}

  /** Why something was not written, the errno of the first such; undefined for a reader that has seen enough (EPIPE). */
  get problem(): string | undefined {
    return this.firstProblem
  }

  /** Never throws. */
  write(text: string): void {
    const bytes = Buffer.from(text)
    if (this.waiting.length + bytes.length > this.maxWaiting) return
    this.waiting = this.waiting.length === 0 ? bytes : Buffer.concat([this.waiting, bytes])
    this.flush()
  }

  /** @returns whether nothing waits any more */
  flush(): boolean {
    clearTimeout(this.timer)
    while (this.waiting.length > 0) {
      try {
        this.target ??= withoutBlocking(this.fd)
        this.waiting = this.waiting.subarray(writeSync(this.target, this.waiting))
      } catch (error) {
        const errno = errnoOf(error)
        if (errno === 'EAGAIN') {
          this.timer = setTimeout(() => this.flush(), RETRY_MS).unref()
          return false
        }
        if (errno !== 'EPIPE') this.firstProblem ??= errno ?? messageOf(error)
        this.waiting = Buffer.alloc(0)
      }
    }
    return true
  }

  /** Waits until all is written or given up. */
  async drain(isGivenUp: () => boolean): Promise<void> {
    while (!this.flush() && !isGivenUp()) await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
  }
}

/** The same terminal or pipe opened anew: O_NONBLOCK on the descriptor itself would be that of all who share it. */
function withoutBlocking(fd: number): number {
  try {
    const kind = fstatSync(fd)
    if (!kind.isFIFO() && !kind.isCharacterDevice()) return fd
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    // Another user's terminal, as after su. It may hold us up, then.
    return fd
  }
}

/** All of standard input as UTF-8, or undefined as soon as it is larger. Waits for its end, as long as that takes. */
export function readInput(mostBytes: number): string | undefined {
  const buffer = Buffer.alloc(mostBytes + 1)
  let length = 0
  while (length <= mostBytes) {
    try {
      const count = readSync(0, buffer, length, buffer.length - length, null)
      if (count === 0) return buffer.toString('utf8', 0, length)
      length += count
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') throw error
      pause()
    }
  }
  return undefined
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
}

/** Major number of /dev/null and its like. */
const MEMORY_DEVICES = 1

/** Whether standard output is a terminal. Only a character device is asked in full. */
export function outputIsTerminal(): boolean {
  try {
    const out = fstatSync(1)
    const asks = out.isCharacterDevice() && ((out.rdev >> 8) & 0xfff) !== MEMORY_DEVICES
    return asks && process.stdout.isTTY === true
  } catch {
    return false
  }
}
