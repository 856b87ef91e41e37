import { symlinkSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  findPrograms,
  isAloneInProcfs,
  type Program,
  readArguments,
  readProcess,
} from '../../../src/kernel/processes'
import { openSystem, type System } from '../../../src/system/system'
import { processFiles, systemWith } from '../../support/systems'

/** The ids of those of these processes that are taken for the program. */
function found(program: Program, ...processes: { name: string; uid?: number; exe?: string }[]): number[] {
  const files = processes.map(({ name, uid = 0 }, i) => processFiles(i + 1, name, { uid }))
  const system = systemWith(Object.assign({}, ...files))
  for (const [i, { exe }] of processes.entries())
    if (exe !== undefined) symlinkSync(exe, `${system.paths.proc}/${i + 1}/exe`)
  return findPrograms(system, [program]).map(({ pid }) => pid)
}

describe('a process is taken for a program', () => {
  it("only when it is root's: anybody can give one any name", () => {
    const irqbalance = { name: 'irqbalance' }
    expect(found(irqbalance, irqbalance, { ...irqbalance, uid: 1000 }, { name: 'bash' })).toEqual([1])
  })

  it('in a tree made by hand, where nothing says whose it is', () => {
    const { '/proc/7/status': _, ...files } = processFiles(7, 'irqbalance')
    const program = { name: 'irqbalance' }
    expect(findPrograms(systemWith(files), [program]).map(({ pid }) => pid)).toEqual([7])
    const system = systemWith(files)
    const running = Object.assign(Object.create(system) as System, { paths: { ...system.paths, root: '' } })
    expect(findPrograms(running, [program])).toEqual([])
  })

  it('by the file that it runs, where that can be seen, and not by its name alone', () => {
    const exes = [
      '/usr/sbin/ethtool',
      '/usr/sbin/ethtool (deleted)',
      '/usr/bin/dash',
      '/tmp/other',
      undefined,
    ]
    const processes = exes.map((exe) => ({ name: 'ethtool', ...(exe === undefined ? {} : { exe }) }))
    expect(found({ name: 'ethtool' }, ...processes)).toEqual([1, 2, 5])
    expect(found({ name: /^ethtool$/ }, ...processes)).toEqual([1, 2, 5])
  })

  it('when it is a script, by its interpreter', () => {
    const exes = ['python3.9', 'platform-python3.6', 'bash', 'perl5.36', 'tuned', 'python-config']
    const processes = exes.map((exe) => ({ name: 'tuned', exe: `/usr/bin/${exe}` }))
    expect(found({ name: 'tuned', script: true }, ...processes)).toEqual([1, 2, 3, 4])
  })

  it('by as much of its name as the kernel keeps', () => {
    const name = 'systemd-networkd-daemon'
    expect(found({ name }, { name: 'systemd-network', exe: `/usr/lib/systemd/${name}` })).toEqual([1])
  })
})

describe('of a process', () => {
  it('all is told that procfs says', () => {
    const system = systemWith(processFiles(7, 'tuned', { uid: 12, parent: 3, cmdline: 'a\0b c\0' }))
    const known = { pid: 7, name: 'tuned', uid: 12, parentPid: 3, exe: undefined }
    expect(readProcess(system, 7)).toEqual(known)
    expect(readArguments(system, 7)).toEqual(['a', 'b c'])
    expect([readProcess(system, 8), readArguments(system, 8)]).toEqual([undefined, []])
  })

  it('that ended meanwhile neither owner nor parent is known', () => {
    const { '/proc/7/status': _, ...files } = processFiles(7, 'tuned')
    expect(readProcess(systemWith(files), 7)).toMatchObject({ uid: undefined, parentPid: 0 })
  })

  it('that changed its arguments, what is there now is told', () => {
    const system = systemWith(processFiles(7, 'tuned', { cmdline: 'tuned: at work' }))
    expect(readArguments(system, 7)).toEqual(['tuned: at work'])
  })

  it('that really runs, the kernel says the same', () => {
    const { pid, ppid, execPath, getuid } = process
    expect(readProcess(openSystem(), pid)).toMatchObject({
      ...{ pid, uid: getuid?.(), parentPid: ppid, exe: execPath },
    })
    expect(readArguments(openSystem(), pid).length).toBeGreaterThan(0)
  })
})

it('procfs hides others where this process is in it and the service manager is not', () => {
  const own = processFiles(process.pid, 'node')
  const manager = processFiles(1, 'systemd')
  expect(isAloneInProcfs(systemWith({ ...own, ...manager }))).toBe(false)
  expect(isAloneInProcfs(systemWith(own))).toBe(true)
  // A captured tree.
  expect(isAloneInProcfs(systemWith({}))).toBe(false)
})
