import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ServiceManager } from '../../../src/daemon/notify'
import { openSystem } from '../../../src/system/system'
import { until } from '../../support/until'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vqtune-notify-'))
  mkdirSync(`${root}/usr/bin`, { recursive: true })
  install('echo "$NOTIFY_SOCKET $*" >>"$(dirname "$0")/sent"')
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(root, { recursive: true, force: true })
})

function install(script: string): void {
  writeFileSync(`${root}/usr/bin/systemd-notify`, `#!/bin/sh\n${script}\n`)
  chmodSync(`${root}/usr/bin/systemd-notify`, 0o755)
}
const sent = (): string[] =>
  existsSync(`${root}/usr/bin/sent`) ? readFileSync(`${root}/usr/bin/sent`, 'utf8').trim().split('\n') : []

/** Timers go by the test's clock; children take as long as they take. */
const holdTimers = () =>
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })

describe('ServiceManager', () => {
  it('tells each status once, cannot be made to say more, and says again that it is ready', async () => {
    holdTimers()
    const manager = new ServiceManager(openSystem(root), { NOTIFY_SOCKET: '/s' }, () => {})
    manager.ready('one')
    manager.status('one')
    manager.status('two\nMAINPID=1')
    vi.advanceTimersByTime(1_000)
    await until(() => sent().length === 3)
    expect(sent()).toEqual(['/s READY=1 STATUS=one', '/s STATUS=two\\u000aMAINPID=1', '/s READY=1'])
    await manager.stopping()
    expect(sent().at(-1)).toBe('/s STOPPING=1 STATUS=stopping')
  })

  it('keeps the watchdog quiet four times in its time, unless it is that of another process', async () => {
    holdTimers()
    const env = { NOTIFY_SOCKET: '/s', WATCHDOG_USEC: '400000' }
    const manager = new ServiceManager(
      openSystem(root),
      { ...env, WATCHDOG_PID: String(process.pid) },
      () => {},
    )
    manager.ready('one')
    vi.advanceTimersByTime(400)
    await manager.stopping()
    expect(sent().filter((line) => line === '/s WATCHDOG=1')).toHaveLength(4)
    rmSync(`${root}/usr/bin/sent`)
    const other = new ServiceManager(openSystem(root), { ...env, WATCHDOG_PID: '1' }, () => {})
    other.ready('one')
    vi.advanceTimersByTime(400)
    await other.stopping()
    expect(sent()).not.toContain('/s WATCHDOG=1')
  })

  /** As systemd says it of descriptor n: the third is the first. */
  const handedOver = (descriptor: number, pid = process.pid) => ({
    NOTIFY_SOCKET: '/s',
    LISTEN_PID: String(pid),
    LISTEN_FDNAMES: [...Array.from({ length: descriptor - 3 }, () => 'other'), 'notify'].join(':'),
  })

  /** The end of a socket pair, whose other end a process has that copies to a file what comes. */
  const socketTo = (file: string): { descriptor: number; reader: ChildProcess } => {
    const sink = openSync(file, 'w')
    const reader = spawn('cat', { stdio: ['pipe', sink, 'ignore'] })
    closeSync(sink)
    const { _handle } = reader.stdin as unknown as { _handle: { fd: number } }
    return { descriptor: _handle.fd, reader }
  }

  it('needs no child where systemd opened the socket for it', async () => {
    const file = join(root, 'received')
    const { descriptor, reader } = socketTo(file)
    const manager = new ServiceManager(openSystem(root), handedOver(descriptor), () => {})
    manager.ready('one')
    manager.status('two\nMAINPID=1')
    await manager.stopping()
    reader.stdin?.end()
    await once(reader, 'exit')
    expect(readFileSync(file, 'utf8')).toBe(
      'READY=1\nSTATUS=oneSTATUS=two\\u000aMAINPID=1STOPPING=1\nSTATUS=stopping',
    )
    expect(sent()).toEqual([])
  })

  it('takes a child for the message that the socket does not take, and from then on', async () => {
    const told: string[] = []
    const { descriptor, reader } = socketTo(join(root, 'received'))
    reader.stdin?.on('error', () => {})
    const manager = new ServiceManager(openSystem(root), handedOver(descriptor), (text) => told.push(text))
    // Without a turn of the event loop, which would close this end, too. A zombie has closed its own.
    process.kill(reader.pid as number, 'SIGKILL')
    while (!readFileSync(`/proc/${reader.pid}/stat`, 'utf8').includes(') Z ')) {}
    manager.ready('one')
    await manager.stopping()
    expect(sent()).toEqual(['/s READY=1 STATUS=one', '/s STOPPING=1 STATUS=stopping'])
    expect(told).toEqual([])
  })

  it('leaves what is for another process, has another name, or is no socket', async () => {
    const file = join(root, 'received')
    const { descriptor, reader } = socketTo(file)
    const { LISTEN_FDNAMES: _, ...unnamed } = handedOver(descriptor)
    // As SELinux does it.
    const device = openSync('/dev/null', 'r+')
    for (const env of [handedOver(descriptor, 1), unnamed, handedOver(device), handedOver(9_999)]) {
      const manager = new ServiceManager(openSystem(root), env, () => {})
      manager.status('one')
      await manager.stopping()
    }
    closeSync(device)
    reader.stdin?.end()
    await once(reader, 'exit')
    expect(readFileSync(file, 'utf8')).toBe('')
    expect(sent()).toHaveLength(8)
  })

  it('tells a problem once, and starts nothing without a service manager', async () => {
    install('echo no socket >&2; exit 1')
    const told: string[] = []
    const manager = new ServiceManager(openSystem(root), { NOTIFY_SOCKET: '/s' }, (text) => told.push(text))
    manager.ready('one')
    manager.status('two')
    await manager.stopping()
    expect(told).toEqual(['systemd-notify: no socket'])
    install('echo "$*" >>"$(dirname "$0")/sent"')
    const alone = new ServiceManager(openSystem(root), {}, (text) => told.push(text))
    alone.ready('one')
    await alone.stopping()
    expect(sent()).toEqual([])
  })
})
