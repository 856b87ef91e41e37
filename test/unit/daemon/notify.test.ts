import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ServiceManager } from '../../../src/daemon/notify'
import { systemHost } from '../../../src/system/host'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vqtune-notify-'))
  mkdirSync(`${root}/usr/bin`, { recursive: true })
  install('echo "$NOTIFY_SOCKET $*" >>"$(dirname "$0")/sent"')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function install(script: string): void {
  writeFileSync(`${root}/usr/bin/systemd-notify`, `#!/bin/sh\n${script}\n`)
  chmodSync(`${root}/usr/bin/systemd-notify`, 0o755)
}
const sent = (): string[] =>
  existsSync(`${root}/usr/bin/sent`) ? readFileSync(`${root}/usr/bin/sent`, 'utf8').trim().split('\n') : []
async function until(done: () => boolean): Promise<void> {
  const end = Date.now() + 15_000
  while (!done()) {
    if (Date.now() > end) throw new Error(`not within 15 s: ${sent().join('; ')}`)
    await sleep(10)
  }
}

describe('ServiceManager', () => {
  it('tells each status once, cannot be made to say more, and says again that it is ready', async () => {
    const manager = new ServiceManager(systemHost(root), { NOTIFY_SOCKET: '/s' }, () => {})
    manager.ready('one')
    manager.status('one')
    manager.status('two\nMAINPID=1')
    await until(() => sent().length === 3)
    expect(sent()).toEqual(['/s --ready --status=one', '/s --status=two\\u000aMAINPID=1', '/s --ready'])
    await manager.stopping()
    expect(sent().at(-1)).toBe('/s STOPPING=1 --status=stopping')
  })

  it('keeps the watchdog quiet four times in its time, unless it is that of another process', async () => {
    const env = { NOTIFY_SOCKET: '/s', WATCHDOG_USEC: '400000' }
    const manager = new ServiceManager(
      systemHost(root),
      { ...env, WATCHDOG_PID: String(process.pid) },
      () => {},
    )
    manager.ready('one')
    await until(() => sent().filter((line) => line === '/s WATCHDOG=1').length >= 3)
    await manager.stopping()
    rmSync(`${root}/usr/bin/sent`)
    const other = new ServiceManager(systemHost(root), { ...env, WATCHDOG_PID: '1' }, () => {})
    other.ready('one')
    await sleep(300)
    await other.stopping()
    expect(sent()).not.toContain('/s WATCHDOG=1')
  })

  it('tells a problem once, and starts nothing without a service manager', async () => {
    install('echo no socket >&2; exit 1')
    const told: string[] = []
    const manager = new ServiceManager(systemHost(root), { NOTIFY_SOCKET: '/s' }, (text) => told.push(text))
    manager.ready('one')
    manager.status('two')
    await manager.stopping()
    expect(told).toEqual(['systemd-notify: no socket'])
    install('echo "$*" >>"$(dirname "$0")/sent"')
    const alone = new ServiceManager(systemHost(root), {}, (text) => told.push(text))
    alone.ready('one')
    await alone.stopping()
    expect(sent()).toEqual([])
  })
})
