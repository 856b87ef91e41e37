import { mkdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { removeView } from '../../../src/daemon/view'
import { appendHistory, type DriftRecord } from '../../../src/drift/history'
import { removeSafely, writeSafely } from '../../../src/hypervisor/change/safe-file'
import { appendLine } from '../../../src/system/line-log'
import { takeLock } from '../../../src/system/lock'
import { openSystem, type System, tracedWrite } from '../../../src/system/system'
import { timeStamp, traced } from '../../../src/system/trace'
import { systemWith } from '../../support/systems'

/** What was told, without the durations, and each path without the tree's own. */
function told(system: System): { system: System; lines: () => string[] } {
  const lines: string[] = []
  return {
    system: traced(system, (line) => lines.push(line)),
    lines: () =>
      lines.splice(0).map((line) => line.replaceAll(system.paths.root, '').replace(/, \d+ ms$/, ', N ms')),
  }
}

describe('a program', () => {
  it('is told with its arguments as a shell would take them, its exit status and its duration', async () => {
    const { system, lines } = told(openSystem())
    await system.run('sh', ['-c', 'exit 3', "it's", '', 'a\nb'])
    expect(lines()).toEqual([`run sh -c 'exit 3' 'it'\\''s' '' $'a\\012b': exit 3, N ms`])
  })

  it('is told without the values of its environment', async () => {
    const { system, lines } = told(openSystem())
    const { stdout } = await system.run('env', [], { env: { TOKEN: 'hunter2' } })
    expect(stdout).toContain('hunter2')
    expect(lines().join()).not.toContain('hunter2')
  })

  it('that cannot be run, or does not end, is told as that', async () => {
    const { system, lines } = told(openSystem())
    await expect(system.run('vqtune-no-such-tool', [])).rejects.toMatchObject({ kind: 'tool-missing' })
    await expect(system.run('sleep', ['60'], { timeoutMs: 50 })).rejects.toMatchObject({ kind: 'timeout' })
    expect(lines()).toEqual(['run vqtune-no-such-tool: tool-missing, N ms', 'run sleep 60: timeout, N ms'])
  })

  it('that stays is told when it starts and when it ends', () => {
    const { system, lines } = told(openSystem())
    const ended = system.trace?.start(['ethtool', '--monitor'], 812)
    expect(lines()).toEqual(['start ethtool --monitor: PID 812'])
    ended?.('signal SIGTERM')
    system.trace?.start(['ethtool'], undefined)(Object.assign(new Error('spawn EPERM'), { code: 'EPERM' }))
    expect(lines()).toEqual(['end ethtool --monitor: signal SIGTERM, N ms', 'end ethtool: EPERM, N ms'])
  })
})

describe('a write', () => {
  it('to the kernel is told with its value, one of a file with its size; what fails with its errno', () => {
    const { system, lines } = told(systemWith({ '/proc/irq/26/smp_affinity_list': '0' }))
    const { root } = system.paths
    system.writeAttribute(`${root}/proc/irq/26/smp_affinity_list`, '2')
    expect(() => system.writeAttribute(`${root}/proc/irq/27/smp_affinity_list`, '2')).toThrow('ENOENT')
    system.replaceFile(`${root}/state`, 'Gerät\n')
    mkdirSync(`${root}/directory`)
    expect(() => system.replaceFile(`${root}/directory`, '')).toThrow('EISDIR')
    expect(system.touchFile(`${root}/state`)).toBe(true)
    expect(system.touchFile(`${root}/nothing`)).toBe(false)
    expect(() => system.touchFile(`${root}/state/x`)).toThrow('ENOTDIR')
    expect(lines()).toEqual([
      'write /proc/irq/26/smp_affinity_list "2": ok, N ms',
      'write /proc/irq/27/smp_affinity_list "2": ENOENT, N ms',
      'replace /state, 7 bytes: ok, N ms',
      'replace /directory, 0 bytes: EISDIR, N ms',
      'touch /state: ok, N ms',
      'touch /nothing: ENOENT, N ms',
      'touch /state/x: ENOTDIR, N ms',
    ])
    expect(system.readText(`${root}/state`)).toBe('Gerät\n')
  })

  it('that is no method of System is told as well: history, status, lock, files of a hypervisor', async () => {
    const { system, lines } = told(systemWith({}))
    const { root, stateDir, runDir } = system.paths
    const path = (name: string) => name.slice(root.length)
    appendLine(system, `${root}/log`, 'one', 1024)
    const record: DriftRecord = {
      ...{ at: '2026-03-01T10:00:00Z', kind: 'channels', nic: 'eth0', old: '4', new: '2' },
      ...{ writer: 'unknown', evidence: '', action: 'repaired', why: '' },
    }
    appendHistory(system, record, 1024)
    writeSafely(system, `${root}/vqtune.conf`, 'options\n', { mode: 0o644 })
    removeSafely(system, `${root}/vqtune.conf`)
    expect(() => writeSafely(system, `${root}/no/x`, '', { mode: 0o644 })).toThrow('cannot write')
    const lock = await takeLock(system, 'apply', 100)
    await expect(takeLock(system, 'rollback', 100)).rejects.toMatchObject({ kind: 'busy' })
    lock.release()
    removeView(system)
    const flock = openSystem().findTool('flock')
    expect(lines()).toEqual([
      'append /log, 4 bytes: ok, N ms',
      `append ${path(stateDir)}/drift.jsonl, ${JSON.stringify(record).length + 1} bytes: ok, N ms`,
      'replace /vqtune.conf, 8 bytes: ok, N ms',
      'remove /vqtune.conf: ok, N ms',
      'replace /no/x, 0 bytes: ENOENT, N ms',
      `run ${flock} -x -w 0.1 -E 75 3: exit 0, N ms`,
      `write ${path(runDir)}/lock "${process.pid} apply\\n": ok, N ms`,
      `run ${flock} -x -w 0.1 -E 75 3: exit 75, N ms`,
      `remove ${path(runDir)}/status.json: ok, N ms`,
    ])
  })
})

describe('the lines', () => {
  it('are one each, whatever names and errors hold', () => {
    const { system, lines } = told(openSystem())
    system.trace?.write('remove', '/a\n12:00:00.000 run rm -rf /')(new Error('b\u001b[2J'))
    expect(lines()).toEqual(['remove /a\\u000a12:00:00.000 run rm -rf /: b\\u001b[2J, N ms'])
  })

  it('go elsewhere when told so', () => {
    const { system, lines } = told(openSystem())
    const log: string[] = []
    system.trace?.redirect((line) => log.push(line))
    system.trace?.write('remove', '/a')('ok')
    expect(log).toEqual([expect.stringMatching(/^remove \/a: ok, \d+ ms$/)])
    expect(lines()).toEqual([])
  })

  it('do no harm where they cannot be written', async () => {
    const system = traced(openSystem(), () => {
      throw new Error('ENOSPC')
    })
    expect(await system.run('true', [])).toMatchObject({ code: 0 })
    expect(tracedWrite(system, 'remove', '/a', undefined, () => 'done')).toBe('done')
  })

  it('are not made without --verbose, and nothing else is another way', () => {
    expect(openSystem().trace).toBeUndefined()
    const plain = openSystem('/t')
    expect(traced(plain, () => {})).toMatchObject({ paths: plain.paths, mayWrite: true })
    expect(traced(plain, () => {}).readText('/proc/self/comm')).toBe(plain.readText('/proc/self/comm'))
  })
})

it('a time stamp is the local time of day with milliseconds', () => {
  expect(timeStamp(new Date(2026, 2, 1, 9, 5, 7, 3))).toBe('09:05:07.003')
})
