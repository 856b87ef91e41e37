/** Whether a state file is believed: real processes, one of them dead. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type DaemonView, ownIdentity, readView, removeView, writeView } from '../../../src/daemon/view'
import { openSystem, type System } from '../../../src/system/system'

let root: string
let system: System
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vqtune-view-'))
  system = openSystem(root)
  mkdirSync(`${root}/proc/sys/kernel/random`, { recursive: true })
  mkdirSync(`${root}/proc/1`)
  writeFileSync(system.paths.procBootId, 'this-boot\n')
  copyProcess(process.pid)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** What the kernel says of a real process, into the tree. */
function copyProcess(pid: number): void {
  mkdirSync(`${root}/proc/${pid}`, { recursive: true })
  writeFileSync(`${root}/proc/${pid}/stat`, readFileSync(`/proc/${pid}/stat`))
}

function viewOf(more: Partial<DaemonView> = {}): DaemonView {
  return {
    version: 1,
    ...ownIdentity(system),
    checkedAt: '2026-03-01T10:00:00.000Z',
    sources: [
      { name: 'udev', state: 'up', why: null },
      { name: 'ethtool', state: 'down', why: 'ethtool is not installed' },
    ],
    suspended: [
      {
        nic: 'eth0',
        otherWriter: 'irqbalance',
        until: '2026-03-01T11:00:00Z',
        why: 'conflict with irqbalance: backed off until 2026-03-01T11:00:00Z',
      },
    ],
    configValid: false,
    problems: ['ethtool is not installed'],
    recentDrift: [
      {
        at: '2026-03-01T09:59:59.000Z',
        kind: 'channels',
        nic: 'eth0',
        old: '4',
        new: '2',
        writer: 'unknown',
        evidence: '',
        action: 'repaired',
        why: '',
      },
    ],
    ...more,
  }
}

it('is believed while the process that wrote it lives', () => {
  writeView(system, viewOf())
  expect(readView(system)).toEqual(viewOf())
})

it('is not believed of a process that was killed, nor of another with its number', async () => {
  const child = spawn('sleep', ['infinity'])
  await once(child, 'spawn')
  const pid = child.pid as number
  copyProcess(pid)
  const ticks = readFileSync(`${root}/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19] as string
  writeView(system, viewOf({ pid, startTicks: ticks }))
  expect(readView(system)).toMatchObject({ pid })
  child.kill('SIGKILL')
  await once(child, 'exit')
  rmSync(`${root}/proc/${pid}`, { recursive: true })
  expect(readView(system)).toBeUndefined()
  // The number is given again: a later start.
  const stat = readFileSync(`/proc/${process.pid}/stat`, 'utf8').replace(/^\d+ /, `${pid} `)
  mkdirSync(`${root}/proc/${pid}`)
  writeFileSync(`${root}/proc/${pid}/stat`, stat)
  expect(readView(system)).toBeUndefined()
})

it('is not believed of another boot, when damaged, or when removed', () => {
  writeView(system, viewOf({ bootId: 'before' }))
  expect(readView(system)).toBeUndefined()
  const whole = JSON.stringify(viewOf())
  const others = [
    { version: 2 },
    { pid: '1' },
    { sources: undefined },
    // Without it any process that is not there would be the one that wrote it.
    { pid: 1_234_567, startTicks: undefined },
    { checkedAt: 1 },
    { configValid: 'yes' },
    { sources: ['udev'] },
    { sources: [{ name: 1, state: 'up', why: null }] },
    { sources: [{ name: 'udev', state: 'off', why: null }] },
    { sources: [{ name: 'udev', state: 'up' }] },
    { suspended: {} },
    { suspended: [null] },
    { suspended: [{ nic: 'eth0', otherWriter: 'tuned', why: '' }] },
    { suspended: [{ nic: 'eth0', until: null, why: '' }] },
    { problems: [['ethtool']] },
    { recentDrift: [0] },
    { recentDrift: [{ ...viewOf().recentDrift[0], action: 'undone' }] },
    { recentDrift: [{ ...viewOf().recentDrift[0], old: 4 }] },
  ]
  const altered = others.map((more) => JSON.stringify({ ...viewOf(), ...more }))
  for (const text of ['', '[', 'null', '1', '[]', '{}', whole.slice(0, -9), ...altered]) {
    writeFileSync(`${system.paths.runDir}/status.json`, text)
    expect(readView(system), text).toBeUndefined()
  }
  writeView(system, viewOf())
  removeView(system)
  expect(readView(system)).toBeUndefined()
})

it('is not believed of a process that ends while it is read', () => {
  writeView(system, viewOf())
  const readText = (path: string) => {
    if (path.endsWith('/stat')) throw Object.assign(new Error('ESRCH'), { code: 'ESRCH' })
    return system.readText(path)
  }
  const ending = Object.assign(Object.create(system) as System, { readText })
  expect(readView(ending)).toBeUndefined()
  expect(ownIdentity(ending).startTicks).toBe('')
  rmSync(system.paths.procBootId)
  expect(ownIdentity(system).bootId).toBe('')
})

it('says that it cannot know where /proc hides the processes of others', () => {
  writeView(system, viewOf({ pid: 1_234_567 }))
  rmSync(`${root}/proc/1`, { recursive: true })
  expect(readView(system)).toBe('unknown')
})
