/**
 * The standard streams by their descriptors: process.stdout brings in streams and sockets, which takes a quarter of the
 * time of a converged apply.
 */
import { fstatSync, readSync, writeSync } from 'node:fs'
import { errnoOf } from '../errors'

/** Another process made a pipe non-blocking, and its other end is slow. */
const RETRY_MS = 5

/** Writes all of it. A reader that went away (EPIPE) gets no more, and what we do goes on. */
export function writeTo(fd: number, text: string): void {
  let rest = Buffer.from(text)
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === 'EPIPE') return
      if (errno !== 'EAGAIN') throw error
      pause()
    }
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
