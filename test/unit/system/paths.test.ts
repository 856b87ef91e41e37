import { describe, expect, it } from 'vitest'
import { pathsUnder } from '../../../src/system/paths'

function texts(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : []
}

describe('every path', () => {
  it('of a captured tree is below its root, and of this machine absolute', () => {
    const { root, ...below } = pathsUnder('/captured/guest')
    expect(root).toBe('/captured/guest')
    const all = texts(below)
    expect(all.length).toBeGreaterThan(200)
    expect(all.filter((path) => !path.startsWith('/captured/guest/'))).toEqual([])
    expect(all.filter((path) => /\/\/|\/$|undefined/.test(path))).toEqual([])
    const { root: none, ...own } = pathsUnder('')
    expect(none).toBe('')
    expect(texts(own)).toEqual(all.map((path) => path.slice('/captured/guest'.length)))
  })
})

describe('lists are in the order of precedence', () => {
  const { writers, hypervisor, writerTraces } = pathsUnder('')

  it('modprobe.d(5), sysctl.d(5), systemd.link(5), udev(7): /etc, /run, then what packages bring', () => {
    for (const [directories, name] of [
      [writers.modprobeDirs, 'modprobe.d'],
      [writers.sysctlDirs, 'sysctl.d'],
      [writers.linkDirs, 'systemd/network'],
      [writers.udevRuleDirs, 'udev/rules.d'],
    ] as const)
      expect(directories).toEqual([
        ...[`/etc/${name}`, `/run/${name}`, `/usr/local/lib/${name}`, `/usr/lib/${name}`, `/lib/${name}`],
      ])
    expect(hypervisor.modprobeDirs).toEqual(writers.modprobeDirs)
    expect(writers.modprobeDirs).toContain(hypervisor.modprobeOwnFile.replace(/\/[^/]+$/, ''))
  })

  it('systemd.unit(5): what is for this boot or by hand comes before what packages bring', () => {
    const at = (directory: string) => writers.unitDirs.indexOf(directory)
    const ordered = [
      ...[
        '/etc/systemd/system.control',
        '/run/systemd/transient',
        '/etc/systemd/system',
        '/run/systemd/system',
      ],
      ...['/run/systemd/generator', '/usr/local/lib/systemd/system', '/usr/lib/systemd/system'],
    ]
    expect(ordered.map(at)).not.toContain(-1)
    expect(ordered.map(at)).toEqual(ordered.map(at).sort((a, b) => a - b))
  })

  it('tracefs is looked for in its own place before that in debugfs', () => {
    expect(hypervisor.tracefs).toEqual(['/sys/kernel/tracing', '/sys/kernel/debug/tracing'])
    expect(writerTraces[0]).toBe('/sys/kernel/tracing/instances/vqtune/trace')
  })
})

it('what describes this boot is forgotten with it, history and boot record are kept', () => {
  const { runDir, stateDir, bootRecord } = pathsUnder('')
  expect([runDir, stateDir, bootRecord]).toEqual([
    '/run/vqtune',
    '/var/lib/vqtune',
    '/var/lib/vqtune/boot-record',
  ])
})
