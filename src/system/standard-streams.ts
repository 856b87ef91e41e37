/**
 * Standard output and error by their descriptors: process.stdout brings in streams and sockets, which takes a quarter
 * of the time of a converged apply.
 */
import { fstatSync, writeSync } from 'node:fs'
import { errnoOf } from '../errors'

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
      // Another process made the pipe non-blocking, and its reader is slow.
      if (errno !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
    }
  }
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
