import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { OutputStream } from '../../../src/system/standard-streams'

let root: string
const open: number[] = []
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vqtune-streams-'))
})
afterEach(() => {
  for (const fd of open.splice(0)) closeSync(fd)
  rmSync(root, { recursive: true, force: true })
})

const opened = (path: string, flags: number | string): number => {
  const fd = openSync(path, flags)
  open.push(fd)
  return fd
}
/** Both ends of a pipe, whose descriptors block. */
function pipe(): { writer: number; reader: number } {
  const path = `${root}/pipe`
  execFileSync('mkfifo', [path])
  const reader = opened(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return { writer: opened(path, 'w'), reader }
}
/** What is in the pipe now. */
function readAll(fd: number): string {
  const chunk = Buffer.alloc(1 << 20)
  let text = ''
  try {
    for (let count = -1; count !== 0; ) {
      count = readSync(fd, chunk)
      text += chunk.toString('utf8', 0, count)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
  }
  return text
}

it('keeps in order what a full pipe does not take, without waiting for it, and writes it later', async () => {
  const { writer, reader } = pipe()
  const stream = new OutputStream(writer)
  const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i} ä\n`)
  for (const line of lines) stream.write(line)
  expect(stream.flush()).toBe(false)
  let text = readAll(reader)
  await vi.waitFor(() => {
    text += readAll(reader)
    expect(stream.flush()).toBe(true)
  })
  expect(text + readAll(reader)).toBe(lines.join(''))
  expect(stream.problem).toBeUndefined()
})

it('waits at the end for what is left, until that is given up', async () => {
  const { writer, reader } = pipe()
  const stream = new OutputStream(writer)
  stream.write('x'.repeat(200_000))
  let isGivenUp = false
  const givenUp = stream.drain(() => isGivenUp)
  isGivenUp = true
  await givenUp
  expect(stream.flush()).toBe(false)
  let length = 0
  const reading = setInterval(() => {
    length += readAll(reader).length
  }, 1)
  await stream.drain(() => false)
  clearInterval(reading)
  expect(length + readAll(reader).length).toBe(200_000)
})

it('leaves out what would be too much to keep', () => {
  const { writer, reader } = pipe()
  const stream = new OutputStream(writer, 100_000)
  stream.write(`${'x'.repeat(99_998)}\n`)
  stream.write('left out\n'.repeat(8_000))
  stream.write('!\n')
  expect(readAll(reader)).toMatch(/^x+$/)
  expect(stream.flush()).toBe(true)
  expect(readAll(reader)).toMatch(/^x+\n!\n$/)
})

it('remembers the first error, and writes again when there is room', () => {
  const full = new OutputStream(opened('/dev/full', 'w'))
  full.write('one')
  full.write('two')
  expect([full.problem, full.flush()]).toEqual(['ENOSPC', true])
  const readOnly = new OutputStream(opened('/etc/passwd', 'r'))
  readOnly.write('one')
  expect(readOnly.problem).toBe('EBADF')
  const path = `${root}/file`
  const file = new OutputStream(opened(path, 'a'))
  file.write('one ')
  file.write('two')
  expect([file.problem, readFileSync(path, 'utf8')]).toEqual([undefined, 'one two'])
})

it('takes a reader that went away for one that has seen enough', () => {
  const { writer, reader } = pipe()
  closeSync(open.splice(open.indexOf(reader), 1)[0] as number)
  const stream = new OutputStream(writer)
  stream.write('one')
  expect([stream.problem, stream.flush()]).toEqual([undefined, true])
})
