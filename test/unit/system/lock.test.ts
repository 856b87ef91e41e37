import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { takeDaemonLock, takeLock } from '../../../src/system/lock'
import { openSystem, type System } from '../../../src/system/system'

let root: string
let system: System
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vqtune-lock-'))
  system = openSystem(root)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

it('names who holds it; what the file says of one that is gone keeps nobody out', async () => {
  const first = await takeLock(system, 'apply', 100)
  await expect(takeLock(system, 'rollback', 100)).rejects.toMatchObject({
    kind: 'busy',
    message: `timed out after 0.1 s waiting for the lock held by vqtune apply (PID ${process.pid}); ${system.paths.runDir}/lock is released when that process exits`,
  })
  first.release()
  writeFileSync(`${system.paths.runDir}/lock`, '1 apply\n')
  const second = await takeLock(system, 'rollback', 100)
  expect(readFileSync(`${system.paths.runDir}/lock`, 'utf8')).toBe(`${process.pid} rollback\n`)
  second.release()
})

it('of a file that was removed meanwhile is no lock: the one that is there now is taken', async () => {
  const first = await takeLock(system, 'apply', 100)
  const waiting = takeLock(system, 'rollback', 20_000)
  rmSync(system.paths.runDir, { recursive: true })
  first.release()
  const second = await waiting
  expect(existsSync(`${system.paths.runDir}/lock`)).toBe(true)
  await expect(takeLock(system, 'trial', 100)).rejects.toMatchObject({
    message: expect.stringMatching(/held by vqtune rollback \(PID/),
  })
  second.release()
})

it('is waited for until a signal comes', async () => {
  const first = await takeLock(system, 'apply', 100)
  const abort = new AbortController()
  const waiting = takeLock(system, 'rollback', 60_000, abort.signal)
  abort.abort()
  await expect(waiting).rejects.toMatchObject({
    kind: 'busy',
    message: expect.stringMatching(/^interrupted while waiting/),
  })
  first.release()
})

it('of the daemon is another one, and has no waiting', async () => {
  const work = await takeLock(system, 'apply', 100)
  const daemon = await takeDaemonLock(system)
  await expect(takeDaemonLock(system)).rejects.toMatchObject({
    kind: 'busy',
    message: `vqtune daemon (PID ${process.pid}) is already running`,
  })
  daemon.release()
  ;(await takeDaemonLock(system)).release()
  work.release()
})
