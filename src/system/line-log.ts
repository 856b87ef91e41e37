/** A file of lines that only grows at its end, up to a limit: then the older half goes. */
import { closeSync, constants, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { type System, tracedWrite } from './system'

/**
 * Appends one line. A last line that was torn by a crash or a full disk is closed first, so that it costs only itself.
 * @param limitBytes the file is cut to half of this when it would grow beyond
 * @throws the system error
 */
export function appendLine(system: System, path: string, line: string, limitBytes: number): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
  const size = tracedWrite(system, 'append', path, `${line}\n`, () => appendTo(path, line))
  if (size > limitBytes) system.replaceFile(path, newestLines(system.readText(path) ?? '', limitBytes / 2))
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

/** The last whole lines that fit into so many bytes. Pure. */
export function newestLines(text: string, maxBytes: number): string {
  const lines = text.split('\n').filter((line) => line !== '')
  const kept: string[] = []
  let bytes = 0
  for (const line of lines.reverse()) {
    bytes += Buffer.byteLength(line) + 1
    if (bytes > maxBytes) break
    kept.push(line)
  }
  return kept.length === 0 ? '' : `${kept.reverse().join('\n')}\n`
}
