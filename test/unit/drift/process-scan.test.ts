import { describe, expect, it } from 'vitest'
import { type RunningTool, readRunningTools, runningWriter } from '../../../src/drift/process-scan'
import { systemFailing, systemWith } from '../../support/systems'

const OWN = 4711

/** What /proc has of a process. */
function processOf(pid: number, name: string, cmdline: string, parent = 1): Record<string, string> {
  return {
    [`/proc/${pid}/comm`]: `${name}\n`,
    [`/proc/${pid}/cmdline`]: cmdline,
    [`/proc/${pid}/status`]: `Name:\t${name}\nUmask:\t0022\nPid:\t${pid}\nPPid:\t${parent}\nTracerPid:\t0\n`,
  }
}

const SET = ['ethtool', '-L', 'eth0', 'combined', '2', ''].join('\0')
const runningTool = (more: Partial<RunningTool> = {}): RunningTool => ({
  ...{ name: 'ethtool', pid: 812, args: ['ethtool', '-L', 'eth0', 'combined', '2'], parent: undefined },
  ...more,
})

describe('programs at work', () => {
  it('are the tools that set such things, with who started them', () => {
    const system = systemWith({
      ...processOf(500, 'tuned', '/usr/bin/python3\0-Es\0/usr/sbin/tuned\0'),
      ...processOf(812, 'ethtool', SET, 500),
      ...processOf(813, 'set_irq_affinit', '/bin/sh\0./set_irq_affinity.sh\0', 1),
      ...processOf(814, 'tuna', 'tuna\0', 999),
      ...processOf(815, 'bash', '-bash\0'),
      '/proc/uptime': '1.0 1.0\n',
    })
    expect(readRunningTools(system, OWN)).toEqual([
      runningTool({ parent: { name: 'tuned', pid: 500 } }),
      { name: 'set_irq_affinit', pid: 813, args: ['/bin/sh', './set_irq_affinity.sh'], parent: undefined },
      { name: 'tuna', pid: 814, args: ['tuna'], parent: undefined },
    ])
  })

  it('are not our own children, nor those that only watch', () => {
    const system = systemWith({
      ...processOf(812, 'ethtool', SET, OWN),
      ...processOf(813, 'ethtool', 'ethtool\0--monitor\0', 1),
    })
    expect(readRunningTools(system, OWN)).toEqual([])
  })

  it('are none where procfs cannot be read: who is at work is worth less than the daemon', () => {
    expect(readRunningTools(systemFailing('EMFILE'), OWN)).toEqual([])
  })

  it('may end while they are looked at', () => {
    const { '/proc/812/status': _, '/proc/812/cmdline': __, ...rest } = processOf(812, 'ethtool', SET)
    expect(readRunningTools(systemWith(rest), OWN)).toEqual([runningTool({ args: [] })])
    const system = systemWith(processOf(812, 'ethtool', SET))
    const ending = Object.assign(Object.create(system), { readText: systemFailing('ESRCH').readText })
    expect(readRunningTools(ending, OWN)).toEqual([])
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
