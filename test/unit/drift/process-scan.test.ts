import { symlinkSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  type RunningTool,
  readRunningTools,
  runningWriter,
  seenAtWork,
} from '../../../src/drift/process-scan'
import { processFiles, systemFailing, systemWith } from '../../support/systems'

const OWN = 4711

const SET = ['ethtool', '-L', 'eth0', 'combined', '2', ''].join('\0')
const runningTool = (more: Partial<RunningTool> = {}): RunningTool => ({
  ...{ name: 'ethtool', pid: 812, args: ['ethtool', '-L', 'eth0', 'combined', '2'], parent: undefined },
  ...more,
})

describe('programs at work', () => {
  it('include an ethtool that sets the RSS table', () => {
    const seen = (args: readonly string[], nic: string | undefined = 'eth0') =>
      runningWriter([runningTool({ args: ['ethtool', ...args] })], 'rss-table', { nic, new: 'equal 2' })?.name
    expect(seen(['-X', 'eth0', 'equal', '2'])).toBe('ethtool')
    expect(seen(['--set-rxfh-indir', 'eth0', 'default'])).toBe('ethtool')
    expect(seen(['-L', 'eth0', 'combined', '2'])).toBeUndefined()
    expect(seen(['-X', 'eth1', 'equal', '2'])).toBeUndefined()
    const [tool] = [runningTool({ args: ['ethtool', '-X', 'eth0'] })]
    expect(
      runningWriter(tool === undefined ? [] : [tool], 'channels', { nic: 'eth0', new: '2' }),
    ).toBeUndefined()
  })

  it('include an ethtool that sets ring sizes, whatever else it is given', () => {
    const seen = (...args: string[]) =>
      runningWriter([runningTool({ args: ['ethtool', ...args] })], 'rings', { nic: 'eth0', new: 'rx 128' })
        ?.name
    expect(seen('-G', 'eth0', 'rx', '128')).toBe('ethtool')
    expect(seen('--set-ring', 'eth0', 'tx', '128')).toBe('ethtool')
    expect(seen('-G', 'eth1', 'rx', '128')).toBeUndefined()
    expect(seen('-g', 'eth0')).toBeUndefined()
  })

  it('are the tools that set such things, with who started them', () => {
    const system = systemWith({
      ...processFiles(500, 'tuned', { cmdline: '/usr/bin/python3\0-Es\0/usr/sbin/tuned\0' }),
      ...processFiles(812, 'ethtool', { cmdline: SET, parent: 500 }),
      ...processFiles(813, 'set_irq_affinit', { cmdline: '/bin/sh\0./set_irq_affinity.sh\0' }),
      ...processFiles(814, 'tuna', { cmdline: 'tuna\0', parent: 999 }),
      ...processFiles(815, 'bash', { cmdline: '-bash\0' }),
      '/proc/uptime': '1.0 1.0\n',
    })
    const tools = [
      { name: 'tuna', pid: 814, args: ['tuna'], parent: undefined },
      { name: 'set_irq_affinit', pid: 813, args: ['/bin/sh', './set_irq_affinity.sh'], parent: undefined },
      runningTool({ parent: { name: 'tuned', pid: 500 } }),
    ]
    expect(readRunningTools(system, OWN), 'the newest first').toEqual(tools)
    expect(readRunningTools(system, OWN, 3), 'of three processes').toEqual(tools.slice(0, 2))
  })

  it('are told with the user who logged in, whom sudo does not hide', () => {
    const by = (loginuid: string) =>
      readRunningTools(
        systemWith({ ...processFiles(812, 'ethtool', { cmdline: SET }), '/proc/812/loginuid': loginuid }),
        OWN,
      )
    expect(by('1000')).toEqual([runningTool({ loginUid: 1000 })])
    expect(by('4294967295')).toEqual([runningTool()])
    const [tool] = by('1000')
    const evidence =
      runningWriter([tool as RunningTool], 'channels', { nic: 'eth0', new: '2' })?.evidence ?? ''
    expect(evidence).toBe(
      'ethtool -L eth0 combined 2 (pid 812, login uid 1000) was running when the change was noticed',
    )
    expect(seenAtWork(evidence)).toMatchObject({ pid: 812, parent: undefined })
  })

  it('are not our own children, nor those that only watch', () => {
    const system = systemWith({
      ...processFiles(812, 'ethtool', { cmdline: SET, parent: OWN }),
      ...processFiles(813, 'ethtool', { cmdline: 'ethtool\0--monitor\0' }),
    })
    expect(readRunningTools(system, OWN)).toEqual([])
  })

  it('are not those of users, who can give anything any name', () => {
    const system = systemWith(processFiles(812, 'ethtool', { cmdline: SET, uid: 65534 }))
    expect(readRunningTools(system, OWN)).toEqual([])
  })

  it('were not started by a user, nor by what only has the name of a service', () => {
    const startedBy = (service: string, uid: number, exe?: string) => {
      const system = systemWith({
        ...processFiles(500, service, { uid }),
        ...processFiles(812, 'ethtool', { cmdline: SET, parent: 500 }),
      })
      if (exe !== undefined) symlinkSync(exe, `${system.paths.proc}/500/exe`)
      return readRunningTools(system, OWN)
    }
    const parent = (name: string) => [runningTool({ parent: { name, pid: 500 } })]
    expect(startedBy('tuned', 65534)).toEqual([runningTool()])
    expect(startedBy('tuned', 0)).toEqual(parent('tuned'))
    expect(startedBy('tuned', 0, '/usr/bin/python3.9')).toEqual(parent('tuned'))
    expect(startedBy('tuned', 0, '/root/tuned')).toEqual([runningTool()])
    expect(startedBy('NetworkManager', 0, '/usr/sbin/NetworkManager')).toEqual(parent('NetworkManager'))
    expect(startedBy('NetworkManager', 0, '/usr/bin/bash')).toEqual([runningTool()])
    expect(startedBy('bash', 0, '/usr/bin/bash')).toEqual(parent('bash'))
  })

  it('may end while they are looked at: of whom nothing is known, nothing is said', () => {
    const files = processFiles(812, 'ethtool', { cmdline: SET })
    const { '/proc/812/cmdline': _, ...silent } = files
    expect(readRunningTools(systemWith(silent), OWN)).toEqual([runningTool({ args: [] })])
    const { '/proc/812/status': __, ...ended } = files
    const tree = systemWith(ended)
    const live = Object.assign(Object.create(tree), { paths: { ...tree.paths, root: '' } })
    expect(readRunningTools(live, OWN)).toEqual([])
    const system = systemWith(files)
    const ending = Object.assign(Object.create(system), { readText: systemFailing('ESRCH').readText })
    expect(readRunningTools(ending, OWN)).toEqual([])
  })

  it('are none where procfs cannot be read: who is at work is worth less than the daemon', () => {
    expect(readRunningTools(systemFailing('EMFILE'), OWN)).toEqual([])
  })
})

describe('the one that can have written it', () => {
  const drift = { nic: 'eth0', new: '2' }
  const name = (...seen: RunningTool[]) => runningWriter(seen, 'channels', drift)?.name

  it('is the only one, or its service', () => {
    expect(name(runningTool({ parent: { name: 'bash', pid: 1 } }))).toBe('ethtool')
    expect(name(runningTool({ parent: { name: 'NetworkManager', pid: 1 } }))).toBe('NetworkManager')
    expect(name(runningTool(), runningTool({ pid: 813 }))).toBe('ethtool')
    expect(name(runningTool(), runningTool({ parent: { name: 'tuned', pid: 500 } }))).toBeUndefined()
    expect(name()).toBeUndefined()
  })

  it('is no ethtool that asks, or sets something else, and no tool for something else', () => {
    for (const args of ['-l eth0', '-L eth1 combined 2', '-L eth0 combined 4', '-K eth0 gro 2'])
      expect(name(runningTool({ args: args.split(' ') })), args).toBeUndefined()
    expect(name(runningTool({ args: ['--set-channels', 'eth0', 'combined', '2'] }))).toBe('ethtool')
    expect(name(runningTool({ name: 'tuna' }))).toBeUndefined()
    expect(runningWriter([runningTool()], 'channels', { ...drift, nic: undefined })).toBeUndefined()
    expect(runningWriter([runningTool({ name: 'tuna' })], 'irq-affinity', drift)?.name).toBe('tuna')
  })

  it('is told in one line of bounded length', () => {
    const evidence = (args: string[]) =>
      runningWriter([runningTool({ name: 'tuna', args })], 'irq-affinity', drift)
    expect(evidence([])?.evidence).toBe('tuna (pid 812) was running when the change was noticed')
    expect(evidence(['tuna', 'a\nb\u001b[2J'])?.evidence).toMatch(/^tuna a\\u000ab\\u001b\[2J \(pid 812\)/)
    expect(evidence(['tuna', 'x'.repeat(200)])?.evidence).toMatch(/^tuna x{72}\.\.\. \(pid 812\)/)
  })
})

describe('the evidence', () => {
  it.each([undefined, { name: 'bash', pid: 600 }, { name: 'a (b), started by c', pid: 7 }])(
    'is read as it was written: started by %j',
    (parent) => {
      const tool = runningTool({ parent })
      const { evidence = '' } = runningWriter([tool], 'channels', { nic: 'eth0', new: '2' }) ?? {}
      expect(seenAtWork(evidence)).toEqual({ command: 'ethtool -L eth0 combined 2', pid: 812, parent })
    },
  )

  it('of anything else names no program', () => {
    expect(seenAtWork('irqbalance (pid 345) runs and moves the interrupts')).toBeUndefined()
    expect(seenAtWork('')).toBeUndefined()
  })
})
