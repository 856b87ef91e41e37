import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { askSocket } from '../../../src/system/local-socket'
import { openSystem } from '../../../src/system/system'
import { traced } from '../../../src/system/trace'

/** A socket whose connections are handled so. */
async function listening(behave: (socket: Socket) => void, pauseOnConnect = false): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'vqtune-socket-'))
  const path = `${directory}/s.sock`
  const open = new Set<Socket>()
  const server = createServer({ pauseOnConnect }, (socket) => {
    open.add(socket)
    socket.on('error', () => {})
    behave(socket)
  })
  server.listen(path)
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of open) socket.destroy()
    server.close()
    await once(server, 'close')
    rmSync(directory, { recursive: true, force: true })
  })
  return path
}

const ask = (path: string, limitMs = 60_000) => askSocket({}, path, 'setup\0', limitMs)

it('the message arrives whole, and the answer is all that comes until the end', async () => {
  const heard: string[] = []
  const path = await listening((socket) => {
    socket.once('data', (data) => {
      heard.push(String(data))
      socket.write('SLEEP 10 ')
      setTimeout(() => socket.end('ä BANNED 0'), 5)
    })
  })
  expect(await ask(path)).toBe('SLEEP 10 ä BANNED 0')
  expect(heard).toEqual(['setup\0'])
})

it('a peer that closes without a word has an empty answer', async () => {
  expect(await ask(await listening((socket) => void socket.end()))).toBe('')
})

it('a peer that resets the connection has the answer that it gave before', async () => {
  // What it has not read when it closes makes the kernel reset the connection.
  const path = await listening((socket) => {
    socket.write('half', () => setTimeout(() => socket.destroy(), 5))
  }, true)
  expect(await ask(path)).toBe('half')
})

it('a peer that is silent is not waited for', async () => {
  const path = await listening(() => {})
  await expect(ask(path, 20)).rejects.toMatchObject({
    kind: 'timeout',
    message: `${path}: no answer within 20 ms`,
  })
})

it('an answer without an end is not read to the end', async () => {
  const path = await listening((socket) => {
    for (let i = 0; i < 17; i++) socket.write('x'.repeat(65_536))
  })
  await expect(ask(path)).rejects.toMatchObject({
    kind: 'tool-failed',
    message: `${path}: its answer has no end`,
  })
})

it('a socket that is not there, and one that nobody listens at, are gone', async () => {
  await expect(ask('/nowhere/s.sock')).rejects.toMatchObject({
    kind: 'vanished',
    message: '/nowhere/s.sock: cannot connect (ENOENT)',
  })
  await expect(ask('/dev/null')).rejects.toMatchObject({
    message: '/dev/null: cannot connect (ECONNREFUSED)',
  })
  await expect(ask('/dev/null/s.sock')).rejects.toMatchObject({ kind: 'tool-failed' })
})

it('what is sent is traced, with its outcome', async () => {
  const path = await listening((socket) => void socket.end('yes'))
  const lines: string[] = []
  const system = traced(openSystem(), (line) => lines.push(line))
  await askSocket(system, path, 'x\0', 60_000)
  await expect(askSocket(system, '/nowhere', 'x', 60_000)).rejects.toThrow()
  expect(lines.map((line) => line.replace(/\d+ ms$/, 'ms'))).toEqual([
    `write ${path} "x\\u0000": ok, ms`,
    'write /nowhere "x": ENOENT, ms',
  ])
})
