/** A file of lines that only grows at its end, up to a limit: then the older half goes. */
import { closeSync, constants, fchmodSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeDirectory } from './make-directory'
import { type System, tracedWrite } from './system'

/**
 * Appends one line. A last line that was torn by a crash or a full disk is closed first, so that it costs only itself.
 * @param limitBytes the file is cut to half of this when it grows beyond, at the cost of reading and writing that half
 * @throws the system error
 */
export function appendLine(system: System, path: string, line: string, limitBytes: number): void {
  makeDirectory(dirname(path))
  const size = tracedWrite(system, 'append', path, `${line}\n`, () => appendTo(path, line))
  if (size > limitBytes) system.replaceFile(path, readNewestLines(path, limitBytes / 2))
}

/**
 * The last whole lines of a file that fit into so many bytes. However large the file is, no more of it is read.
 * @throws the system error
 */
export function readNewestLines(path: string, maxBytes: number): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const { size } = fstatSync(fd)
    // One byte more shows whether a line begins with the others.
    const tail = Buffer.alloc(Math.min(size, Math.floor(maxBytes) + 1))
    const length = readSync(fd, tail, 0, tail.length, size - tail.length)
    return newestLines(tail.subarray(0, length), maxBytes).toString()
  } finally {
    closeSync(fd)
  }
}

/** @returns the size afterwards, bytes */
function appendTo(path: string, line: string): number {
  const fd = openSync(
    path,
    constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW,
    0o644,
  )
  try {
    const { size } = fstatSync(fd)
    // For every reader, whatever the umask.
    if (size === 0) fchmodSync(fd, 0o644)
    const last = Buffer.alloc(1)
    const torn = size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last.toString() !== '\n'
    const bytes = Buffer.from(`${torn ? '\n' : ''}${line}\n`)
    // One write: with O_APPEND a line is not mixed with that of another process. A disk that is almost full takes a part
    // of it and complains only of the next one.
    const written = writeSync(fd, bytes)
    if (written < bytes.length) {
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
    }
    return size + written
  } finally {
    closeSync(fd)
  }
}

const LINE_END = 0x0a

/** The last whole lines that fit into so many bytes, the last of them with an end. Pure. */
export function newestLines(text: Buffer, maxBytes: number): Buffer {
  const isEnded = text.length === 0 || text.at(-1) === LINE_END
  const lines = isEnded ? text : Buffer.concat([text, Buffer.of(LINE_END)])
  const from = Math.ceil(lines.length - maxBytes)
  return from <= 0 ? lines : lines.subarray(lines.indexOf(LINE_END, from - 1) + 1)
}
