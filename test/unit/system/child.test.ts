/** Whatever errno spawn(2) answers, wherever something is started: Node throws some of them and tells of others later. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readConnectivity } from '../../../src/confirm/connectivity'
import { Monitor } from '../../../src/daemon/monitor'
import { ServiceManager } from '../../../src/daemon/notify'
import { startChild } from '../../../src/system/child'
import { takeLock } from '../../../src/system/lock'
import { openSystem } from '../../../src/system/system'

type ChildProcess = typeof import('node:child_process')

const injected = vi.hoisted(() => ({ errno: undefined as string | undefined, starts: 0 }))
vi.mock('node:child_process', async (original) => {
  const real = await original<ChildProcess>()
  const spawn = (...args: Parameters<ChildProcess['spawn']>) => {
    const { errno } = injected
    if (errno === undefined) return real.spawn(...args)
    injected.starts++
    throw Object.assign(new Error(`spawn ${errno}`), { code: errno, syscall: 'spawn' })
  }
  return { ...real, spawn, default: { ...real, spawn } }
})

let root: string
const unhandled: unknown[] = []
const onUnhandled = (error: unknown): void => void unhandled.push(error)
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vqtune-child-'))
  mkdirSync(`${root}/usr/bin`, { recursive: true })
  for (const tool of ['tool', 'systemd-notify', 'ip']) {
    writeFileSync(`${root}/usr/bin/${tool}`, '#!/bin/sh\n', { mode: 0o755 })
  }
  process.on('unhandledRejection', onUnhandled)
  process.on('uncaughtException', onUnhandled)
})
afterEach(() => {
  injected.errno = undefined
  injected.starts = 0
  rmSync(root, { recursive: true, force: true })
  process.off('unhandledRejection', onUnhandled)
  process.off('uncaughtException', onUnhandled)
  expect(unhandled.splice(0)).toEqual([])
})

describe.each(['EPERM', 'EACCES', 'ENOMEM', 'EMFILE', 'ENFILE', 'EAGAIN', 'ENOEXEC', 'E2BIG', 'ETXTBSY'])(
  '%s from spawn',
  (errno) => {
    beforeEach(() => {
      injected.errno = errno
    })
    const refusal = (tool: string) => ({
      kind: 'tool-failed',
      retryable: true,
      message: `${root}/usr/bin/${tool}: cannot be started (${errno})`,
    })

    it('of a tool: one line, and its time limit ends with it', async () => {
      vi.useFakeTimers()
      try {
        await expect(openSystem(root).run('tool', [])).rejects.toMatchObject(refusal('tool'))
        expect(vi.getTimerCount()).toBe(0)
      } finally {
        vi.useRealTimers()
      }
    })

    it('of flock: no lock, in one line', async () => {
      await expect(takeLock(openSystem(root), 'apply', 100)).rejects.toMatchObject({
        kind: 'tool-failed',
        message: `/usr/bin/flock: cannot be started (${errno})`,
      })
    })

    it('of a monitor: an outage, which is over when it can be started again', async () => {
      const told: string[] = []
      const monitor = new Monitor(
        openSystem(root),
        { name: 'm', tool: 'tool', args: [], pauseMs: 10 },
        {
          onLine: (line) => void told.push(line),
          onDown: (why) => void told.push(`down: ${why}`),
          onUp: () => void told.push('up'),
        },
      )
      monitor.start()
      await vi.waitFor(() => expect(injected.starts).toBeGreaterThan(2))
      expect(told).toEqual([`down: ${root}/usr/bin/tool: cannot be started (${errno})`])
      writeFileSync(`${root}/usr/bin/tool`, '#!/bin/sh\necho event; exec sleep 60\n', { mode: 0o755 })
      injected.errno = undefined
      await vi.waitFor(() => expect(told.slice(1)).toEqual(['up', 'event']), 10_000)
      await monitor.stop()
    })

    it('of systemd-notify: told once', async () => {
      const told: string[] = []
      const manager = new ServiceManager(openSystem(root), { NOTIFY_SOCKET: '/s' }, (text) => told.push(text))
      manager.ready('one')
      manager.status('two')
      await manager.stopping()
      expect(told).toEqual([refusal('systemd-notify').message])
    })

    it('of ip, in the watch over a change: nothing is known of a gateway', async () => {
      const seen = await readConnectivity(openSystem(root), 'eth0')
      expect(seen).toEqual({ carrier: undefined, gateway: undefined, neighbour: undefined })
      expect(injected.starts).toBeGreaterThan(0)
    })
  },
)

describe('a child that Node tells of later', () => {
  it.each([
    ['usr/bin', 'EACCES'],
    ['usr/bin/none', 'ENOENT'],
  ])('%s: is the same error', async (path, errno) => {
    await expect(startChild(`${root}/${path}`, [], {}).ended).rejects.toMatchObject({
      kind: 'tool-failed',
      message: `${root}/${path}: cannot be started (${errno})`,
    })
  })

  it('is there when it cannot be signalled: its end is still to come', async () => {
    const { process: child, ended } = startChild('/usr/bin/sh', ['-c', 'exit 3'], {})
    child.emit('error', Object.assign(new Error('kill EPERM'), { code: 'EPERM', syscall: 'kill' }))
    await expect(ended).resolves.toEqual({ code: 3, signal: null })
  })
})
