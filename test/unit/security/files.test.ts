/** Files in directories of others, links that were planted, and records that were forged. Real files throughout. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { openEndpoint } from '../../../src/daemon/endpoint'
import { appendHistory, historyPath } from '../../../src/drift/history'
import { readRunningTools } from '../../../src/drift/process-scan'
import { listBackups } from '../../../src/hypervisor/change/backup'
import { findPrograms, type Program, readArguments } from '../../../src/kernel/processes'
import { takeLock } from '../../../src/system/lock'
import { openSystem, type System } from '../../../src/system/system'

const directory = (): string => mkdtempSync(join(tmpdir(), 'vqtune-files-'))

/** A Host on a directory that believes to look at the running guest: there, files are judged. */
function asRunning(root: string): System {
  const system = openSystem(root)
  return Object.assign(Object.create(system), { paths: { ...system.paths, root: '' } })
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8)
}

describe('a state file in a directory of somebody else (the textfile directory of node_exporter)', () => {
  test('a link with the name of the file is replaced, not followed', () => {
    const victim = `${directory()}/shadow`
    writeFileSync(victim, 'root:secret\n')
    const shared = directory()
    symlinkSync(victim, `${shared}/vqtune.prom`)
    openSystem().replaceFile(`${shared}/vqtune.prom`, 'vqtune_x 1\n')
    expect(readFileSync(victim, 'utf8')).toBe('root:secret\n')
    expect(readFileSync(`${shared}/vqtune.prom`, 'utf8')).toBe('vqtune_x 1\n')
    expect(readdirSync(shared)).toEqual(['vqtune.prom'])
  })

  test('links with every name that a temporary file had before are no way in', () => {
    const victim = `${directory()}/shadow`
    writeFileSync(victim, 'root:secret\n')
    const shared = directory()
    symlinkSync(victim, `${shared}/vqtune.prom.${process.pid}.tmp`)
    symlinkSync(victim, `${shared}/vqtune.prom.tmp`)
    openSystem().replaceFile(`${shared}/vqtune.prom`, 'vqtune_x 1\n')
    expect(readFileSync(victim, 'utf8')).toBe('root:secret\n')
  })

  test('it can be read by everybody under any umask, and a failure leaves nothing behind', () => {
    const shared = directory()
    const before = process.umask(0o077)
    try {
      openSystem().replaceFile(`${shared}/a`, '')
    } finally {
      process.umask(before)
    }
    expect(modeOf(`${shared}/a`)).toBe('644')
    mkdirSync(`${shared}/b/full`, { recursive: true })
    expect(() => openSystem().replaceFile(`${shared}/b`, '')).toThrow()
    expect(readdirSync(shared)).toEqual(['a', 'b'])
  })
})

describe('the state directory', () => {
  test.each([
    ['writable by others', (path: string) => chmodSync(path, 0o777), /world-writable \(mode 0777\)/],
  ])('%s: nothing is locked, so nothing is written', async (_, spoil, message) => {
    const system = asRunning(directory())
    mkdirSync(system.paths.runDir, { recursive: true })
    spoil(system.paths.runDir)
    await expect(takeLock(system, 'apply', 100)).rejects.toThrow(message)
    expect(readdirSync(system.paths.runDir)).toEqual([])
  })

  test('a link in place of the lock is refused; the lock is for root only', async () => {
    const system = asRunning(directory())
    const victim = `${system.paths.runDir}/../victim`
    mkdirSync(system.paths.runDir, { recursive: true })
    symlinkSync('../victim', `${system.paths.runDir}/lock`)
    await expect(takeLock(system, 'apply', 100)).rejects.toMatchObject({ kind: 'state' })
    expect(existsSync(victim)).toBe(false)
    const other = asRunning(directory())
    const lock = await takeLock(other, 'apply', 100)
    expect(modeOf(`${other.paths.runDir}/lock`)).toBe('600')
    lock.release()
  })

  test('a link in place of the history is refused', () => {
    const system = openSystem(directory())
    const victim = `${directory()}/crontab`
    writeFileSync(victim, '')
    mkdirSync(system.paths.stateDir, { recursive: true })
    symlinkSync(victim, historyPath(system))
    const record = {
      at: '2026-01-02T03:04:05.000Z',
      kind: 'channels',
      nic: '* * * * * root id',
      old: '1',
      new: '2',
      writer: 'unknown',
      evidence: '',
      action: 'repaired',
      why: '',
    } as const
    expect(() => appendHistory(system, record, 16)).toThrow(/ELOOP/)
    expect(readFileSync(victim, 'utf8')).toBe('')
  })

  test('a backup that others could have written is not listed, so not undone', () => {
    const system = asRunning(directory())
    const backups = `${system.paths.stateDir}/backups`
    mkdirSync(backups, { recursive: true })
    writeFileSync(`${backups}/x.json`, '{}')
    chmodSync(backups, 0o777)
    expect(() => listBackups(system)).toThrow(/its directory .*backups is group- or world-writable/)
  })
})

describe('the socket of the metrics', () => {
  test('is for owner and group from the first moment, and replaces an old socket', async () => {
    const path = `${directory()}/metrics.sock`
    const old = createServer()
    await new Promise<void>((resolve) => old.listen(path, resolve))
    const endpoint = await openEndpoint({ kind: 'unix', path }, () => '')
    expect(modeOf(path)).toBe('660')
    await endpoint.close()
    old.close()
  })

  test('another file in its place stays', async () => {
    const path = `${directory()}/passwd`
    writeFileSync(path, 'root:x:0:0\n')
    await expect(openEndpoint({ kind: 'unix', path }, () => '')).rejects.toThrow(/EADDRINUSE/)
    expect(readFileSync(path, 'utf8')).toBe('root:x:0:0\n')
  })
})

describe('a captured tree of somebody else', () => {
  test('its programs are run only when they are ours', async () => {
    const root = directory()
    mkdirSync(`${root}/usr/sbin`, { recursive: true })
    writeFileSync(`${root}/usr/sbin/ethtool`, `#!/bin/sh\ntouch ${root}/ran\n`, { mode: 0o777 })
    chmodSync(`${root}/usr/sbin/ethtool`, 0o777)
    await expect(openSystem(root).run('ethtool', ['-l', 'x'])).rejects.toThrow(/ethtool: refused: it is/)
    chmodSync(`${root}/usr/sbin/ethtool`, 0o755)
    await openSystem(root).run('ethtool', ['-l', 'x'])
    expect(existsSync(`${root}/ran`)).toBe(true)
  })

  test('a link in place of a kernel attribute is not written through', () => {
    const victim = `${directory()}/passwd`
    writeFileSync(victim, 'root:x:0:0\n')
    const root = directory()
    mkdirSync(`${root}/proc/irq/24`, { recursive: true })
    symlinkSync(victim, `${root}/proc/irq/24/smp_affinity_list`)
    expect(() => openSystem(root).writeAttribute(`${root}/proc/irq/24/smp_affinity_list`, '0')).toThrow(
      /ELOOP/,
    )
    expect(readFileSync(victim, 'utf8')).toBe('root:x:0:0\n')
  })
})

describe('a process that is not what it calls itself', () => {
  const spawned = async (file: string, args: readonly string[], users: readonly number[]) => {
    const children = users.map((uid) => spawn(file, args, { uid, gid: uid }))
    onTestFinished(() => {
      for (const child of children) child.kill('SIGKILL')
    })
    await Promise.all(children.map((child) => once(child, 'spawn')))
    return children.map(({ pid }) => pid as number)
  }
  const found = (program: Program) => findPrograms(openSystem(), [program]).map(({ pid }) => pid)
  const nameOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'utf8')
  const place = () => {
    const path = directory()
    chmodSync(path, 0o755)
    return path
  }

  test('irqbalance of a user is not taken for it', async () => {
    const file = `${place()}/irqbalance`
    copyFileSync('/usr/bin/sleep', file)
    const [nobody, root] = (await spawned(file, ['60'], [65534, 0])) as [number, number]
    await vi.waitFor(() => expect(found({ name: 'irqbalance' })).toContain(root), 20_000)
    expect(nameOf(nobody)).toBe('irqbalance\n')
    expect(found({ name: 'irqbalance' })).not.toContain(nobody)
  })

  test('a script with the name and the arguments of ethtool is not, whoever runs it', async () => {
    const file = `${place()}/ethtool`
    writeFileSync(file, '#!/bin/sh\nread -r line\n', { mode: 0o755 })
    const pids = await spawned(file, ['-L', 'eth0', 'combined', '2'], [65534, 0])
    await vi.waitFor(() => expect(pids.map(nameOf)).toEqual(['ethtool\n', 'ethtool\n']), 20_000)
    for (const pid of pids) {
      expect(readArguments(openSystem(), pid)).toEqual(expect.arrayContaining(['-L', 'eth0']))
      expect(readRunningTools(openSystem(), 0).map((tool) => tool.pid)).not.toContain(pid)
    }
    // Where a script is what is meant, root's is it.
    expect(found({ name: 'ethtool', script: true }).filter((pid) => pids.includes(pid))).toEqual([pids[1]])
  })
})
