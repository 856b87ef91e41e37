import { describe, expect, it } from 'vitest'
import {
  conditionsOf,
  parseScatterGather,
  readSurroundings,
} from '../../../../src/hypervisor/zerocopy/conditions'
import { parseHistogram } from '../../../../src/hypervisor/zerocopy/histogram'
import {
  isOn,
  ownConf,
  parseModprobeConf,
  readConfigured,
} from '../../../../src/hypervisor/zerocopy/modprobe-conf'
import {
  parseUsers,
  planReload,
  readVhostModule,
  reloadModule,
  type VhostModule,
} from '../../../../src/hypervisor/zerocopy/module'
import { judge } from '../../../../src/hypervisor/zerocopy/probe'
import {
  argumentFetches,
  probeTarget,
  successArgument,
} from '../../../../src/hypervisor/zerocopy/probe-target'
import { findTracefs } from '../../../../src/hypervisor/zerocopy/tracefs'
import type { System, ToolResult } from '../../../../src/system/system'
import { systemWith } from '../../../support/systems'
import { recorded } from '../recorded'

/** What programs answer by their name, each time the next answer. */
type Answers = Readonly<Record<string, readonly Partial<ToolResult>[]>>

/** A host on which these programs are installed, and no others. */
function withPrograms(system: System, answers: Answers): System {
  const left = new Map(Object.entries(answers).map(([tool, results]) => [tool, [...results]]))
  return Object.assign(Object.create(system) as System, {
    findTool: (tool: string) => (left.has(tool) ? `/usr/sbin/${tool}` : undefined),
    run: (tool: string, args: readonly string[]) => {
      const answer = left.get(tool)?.shift()
      if (answer === undefined) throw new Error(`nobody expected: ${tool} ${args.join(' ')}`)
      return Promise.resolve({ code: 0, stdout: '', stderr: '', ...answer })
    },
  })
}

describe('configured value', () => {
  it('goes by the names of the files, and a file that goes away says nothing', () => {
    const line = (value: number) => `options vhost_net experimental_zcopytx=${value}\n`
    const system = systemWith({ '/etc/modprobe.d/a.conf': line(1), '/etc/modprobe.d/b.conf': line(0) })
    const [directory = ''] = system.paths.hypervisor.modprobeDirs
    for (const names of [
      ['b.conf', 'gone.conf', 'a.conf'],
      ['a.conf', 'b.conf'],
    ]) {
      const listing = { list: (path: string) => (path === directory ? names : []) }
      expect(readConfigured(Object.assign(Object.create(system), listing)).map(({ value }) => value)).toEqual(
        ['1', '0'],
      )
    }
  })

  it('reads options with dashes, continuations and other parameters', () => {
    const text =
      '# options vhost_net experimental_zcopytx=9\noptions vhost-net x=1 \\\n  experimental_zcopytx=1\n'
    expect(parseModprobeConf(text, 'f')).toEqual([{ value: '1', source: 'f:2' }])
    expect(parseModprobeConf('options vhost_net experimental-zcopytx="1" experimental_zcopytx', 'f')).toEqual(
      [
        { value: '1', source: 'f:1' },
        { value: '', source: 'f:1' },
      ],
    )
    expect(parseModprobeConf(ownConf(true), 'f').map(({ value }) => value)).toEqual(['1'])
    expect(parseModprobeConf(ownConf(false), 'f').map(({ value }) => value)).toEqual(['0'])
  })

  it('takes files by name, hides those of the same name, and lets the command line win', () => {
    const files = {
      '/etc/modprobe.d/b.conf': ownConf(false),
      '/usr/lib/modprobe.d/b.conf': ownConf(true),
      '/run/modprobe.d/a.conf': ownConf(true),
      '/etc/modprobe.d/z.conf.123.tmp': ownConf(true),
    }
    const short = (system: System) =>
      readConfigured(system).map(({ value, source }) => [value, source.replace(system.paths.root, '')])
    expect(short(systemWith(files))).toEqual([
      ['1', '/run/modprobe.d/a.conf:3'],
      ['0', '/etc/modprobe.d/b.conf:2'],
    ])
    const cmdline = { '/proc/cmdline': 'quiet vhost-net.experimental_zcopytx=1\n' }
    expect(short(systemWith({ ...files, ...cmdline })).at(-1)).toEqual(['1', 'the kernel command line'])
  })

  it('knows that every other number than 0 is on', () => {
    for (const on of ['1', '2', '-1', '+1', '0x10', '-0xA', ' 1\n']) expect(isOn(on), on).toBe(true)
    for (const off of ['0', '-0', '+00', '0x0', '-0x0']) expect(isOn(off), off).toBe(false)
    for (const refused of ['', 'y', '1.5', '0x', '1 2', 'ff']) expect(isOn(refused), refused).toBeUndefined()
  })
})

describe('module', () => {
  const loaded = 'vhost_net 36864 3 - Live 0xffff\nvhost 57344 2 vhost_vsock,vhost_net, Live 0xffff\n'

  it('tells loaded, removed, built-in and unloaded apart', async () => {
    expect(parseUsers(loaded)).toBe(3)
    const parameter = { '/sys/module/vhost_net/parameters/experimental_zcopytx': '1\n' }
    expect(await readVhostModule(systemWith({ '/proc/modules': loaded, ...parameter }))).toMatchObject({
      state: 'loaded',
      parameter: 'present',
      running: true,
      users: 3,
    })
    expect(
      await readVhostModule(systemWith({ '/proc/modules': loaded, '/sys/module/vhost_net/refcnt': '3' })),
    ).toMatchObject({ state: 'loaded', parameter: 'removed', running: undefined })
    expect(await readVhostModule(systemWith({ '/proc/modules': '', ...parameter }))).toMatchObject({
      state: 'builtin',
    })
    expect(await readVhostModule(systemWith({ '/proc/modules': '' }))).toMatchObject({
      state: 'unloaded',
      parameter: 'unknown',
    })
  })

  it('asks modinfo about a module that is not loaded', async () => {
    const read = async (answer: Partial<ToolResult>) => {
      const { state, parameter } = await readVhostModule(withPrograms(systemWith({}), { modinfo: [answer] }))
      return [state, parameter]
    }
    const stdout = 'experimental_zcopytx:Enable Zero Copy TX; 1 -Enable; 0 - Disable (int)\n'
    expect(await read({ stdout })).toEqual(['unloaded', 'present'])
    expect(await read({ stdout: `x:${stdout}` })).toEqual(['unloaded', 'removed'])
    expect(await read({ code: 1, stderr: 'modinfo: ERROR: Module vhost_net not found.\n' })).toEqual([
      'absent',
      'unknown',
    ])
  })

  it('is used as often as its own line says', () => {
    for (const text of [
      '',
      'vhost 57344 2 vhost_net, Live 0x0\n',
      'vhost_net 36864',
      'vhost_net 36864 - - Live',
    ])
      expect(parseUsers(text), text).toBeUndefined()
  })

  it('is loaded again only when nothing uses it', () => {
    const module: VhostModule = {
      state: 'loaded',
      parameter: 'present',
      running: false,
      users: 0,
      configured: undefined,
    }
    expect(planReload(module, true).kind).toBe('reload')
    expect(planReload(module, false).kind).toBe('none')
    expect(planReload({ ...module, users: 2 }, true)).toMatchObject({
      kind: 'later',
      why: expect.stringContaining('2 open descriptors'),
    })
    for (const [wanted, written] of [
      [true, 1],
      [false, 0],
    ] as const)
      expect(planReload({ ...module, state: 'builtin', users: undefined }, wanted)).toMatchObject({
        kind: 'later',
        steps: [`add vhost_net.experimental_zcopytx=${written} to the kernel command line`, 'reboot'],
      })
    expect(
      planReload({ ...module, state: 'unloaded', users: undefined, running: undefined }, true).kind,
    ).toBe('none')
    expect(planReload({ ...module, state: 'absent', users: undefined, running: undefined }, false).kind).toBe(
      'none',
    )
  })
})

describe('loading the module again', () => {
  const idle = 'vhost_net 36864 0 - Live 0xffff\n'
  const on = { '/proc/modules': idle, '/sys/module/vhost_net/parameters/experimental_zcopytx': '1\n' }
  const inUse = { code: 1, stderr: 'rmmod: ERROR: Module vhost_net is in use\nmore\n' }
  const reload = (files: Readonly<Record<string, string>>, answers: Answers, wanted = true) =>
    reloadModule(withPrograms(systemWith(files), answers), wanted)

  it('is done when the new setting runs', async () => {
    expect(await reload(on, { rmmod: [{}], modprobe: [{}] })).toBeUndefined()
    // Somebody else unloaded it first.
    const { '/proc/modules': _, ...gone } = on
    expect(await reload(gone, { rmmod: [inUse], modprobe: [{}] })).toBeUndefined()
  })

  it('is not done when it came into use', async () => {
    expect(await reload(on, { rmmod: [inUse] })).toBe('rmmod: ERROR: Module vhost_net is in use')
    expect(await reload(on, { rmmod: [{ code: 3 }] })).toBe('rmmod vhost_net: exit code 3')
  })

  it('fails when it does not come back, or not as asked', async () => {
    const fatal = 'modprobe: FATAL: Module vhost_net not found in directory /lib/modules/6.1.0\n'
    await expect(reload(on, { rmmod: [{}], modprobe: [{ code: 1, stderr: fatal }] })).rejects.toThrow(
      /^modprobe vhost_net: modprobe: FATAL: Module vhost_net not found in directory \S+$/,
    )
    await expect(reload(on, { rmmod: [{}], modprobe: [{ code: 1 }] })).rejects.toThrow(
      'modprobe vhost_net: exit code 1',
    )
    const off = { ...on, '/sys/module/vhost_net/parameters/experimental_zcopytx': '0\n' }
    for (const [files, wanted, is] of [
      [on, false, 'on'],
      [off, true, 'off'],
      [{ '/proc/modules': idle }, true, 'missing'],
    ] as const)
      await expect(reload(files, { rmmod: [{}], modprobe: [{}] }, wanted)).rejects.toMatchObject({
        kind: 'not-converged',
        message: `vhost_net was reloaded, but experimental_zcopytx is ${is}`,
      })
  })
})

describe('conditions', () => {
  it('without iproute2 are those that need no look at devices', async () => {
    const { uplinks, conditions } = await readSurroundings(systemWith({}), undefined)
    expect(uplinks).toEqual([])
    expect(conditions.map(({ code }) => code)).toEqual(['no-uplink', 'small-packets', 'fallback-unseen'])
  })

  const surroundings = (named: string | undefined, ethtool: Partial<ToolResult>, stdout: string) =>
    readSurroundings(withPrograms(systemWith({}), { ip: [{ stdout }], ethtool: [ethtool] }), named)

  it('asks the named uplink, or those that the guests lead to', async () => {
    const links = recorded('ip-link.json')
    const off = { stdout: recorded('ethtool-k-lo.txt').replace('scatter-gather: on', 'scatter-gather: off') }
    const named = await surroundings('br0', off, links)
    expect(named.uplinks).toEqual([{ name: 'br0', scatterGather: false }])
    expect(named.conditions.map(({ code }) => code)).toEqual([
      'uplink-scatter-gather-off',
      'guest-to-guest',
      'small-packets',
      'fallback-unseen',
    ])
    const silent = { code: 92, stderr: 'Cannot get device feature names: No such device\n' }
    expect((await surroundings('br0', silent, links)).uplinks).toEqual([
      { name: 'br0', scatterGather: undefined },
    ])
    expect((await surroundings(undefined, {}, links)).uplinks).toEqual([])
  })

  it('knows no uplink of another name', async () => {
    await expect(surroundings('eth9', {}, recorded('ip-link.json'))).rejects.toThrow(
      /^--uplink eth9: no such network device; there are: .*br0/,
    )
    await expect(surroundings('eth9', {}, '[]')).rejects.toThrow('there are: none')
  })

  it('takes only on and off for an answer', () => {
    expect(parseScatterGather('scatter-gather: off [fixed]\n')).toBe(false)
    for (const text of ['', 'scatter-gather:', '\ttx-scatter-gather: on\n', 'no scatter-gather: on'])
      expect(parseScatterGather(text), text).toBeUndefined()
  })

  it('reads scatter-gather and says what defeats zero copy', () => {
    expect(parseScatterGather(recorded('ethtool-k-lo.txt'))).toBe(true)
    const conditions = conditionsOf(
      [{ name: 'eth1', scatterGather: false }],
      new Map([['br0', ['vnet0', 'vnet1']]]),
    )
    expect(conditions.filter(({ defeats }) => defeats).map(({ text }) => text)).toEqual([
      'eth1: scatter-gather is off: everything sent through it is copied (ethtool -K eth1 sg on)',
    ])
    expect(conditions.map(({ code }) => code)).toContain('guest-to-guest')
    expect(conditionsOf([], new Map()).map(({ code }) => code)).toEqual([
      'no-uplink',
      'small-packets',
      'fallback-unseen',
    ])
  })
})

describe('probe', () => {
  it('knows where the success argument is', () => {
    expect(['4.18.0-553.el8', '5.10.0', '5.12.0', '5.14.0-427.el9', '6.12.1'].map(successArgument)).toEqual([
      2, 2, 3, 3, 3,
    ])
    expect(argumentFetches(3, 'x64')).toEqual(['$arg3:u8', '%dx:u8'])
    expect(['', '5', 'x.y', '6'].map(successArgument)).toEqual([2, 2, 2, 3])
    expect(argumentFetches(2, 'riscv64')).toEqual(['$arg2:u8'])
  })

  it('finds the function of this kernel, of the module or built in', () => {
    const module = (state: VhostModule['state']): VhostModule => ({
      ...{ state, parameter: 'present', running: true, users: undefined, configured: undefined },
    })
    const kernel = (symbols: string, release?: string) =>
      systemWith({
        '/proc/kallsyms': symbols,
        ...(release === undefined ? {} : { '/proc/sys/kernel/osrelease': release }),
      })
    const older = '0000000000000000 t vhost_zerocopy_callback\t[vhost_net]\n'
    const newer = '0000000000000000 t vhost_zerocopy_complete\n'
    expect(probeTarget(kernel(older, '5.10.0-28-amd64\n'), module('loaded'))).toMatchObject({
      location: 'vhost_net:vhost_zerocopy_callback',
      fetches: expect.arrayContaining(['$arg2:u8']),
    })
    expect(probeTarget(kernel(newer, '6.12.1\n'), module('builtin'))).toMatchObject({
      location: 'vhost_zerocopy_complete',
      fetches: expect.arrayContaining(['$arg3:u8']),
    })
    expect(probeTarget(kernel(older), module('loaded')).fetches[0]).toBe('$arg2:u8')
    for (const symbols of ['', '0 t vhost_zerocopy_callback.cold\n', '0 t x_vhost_zerocopy_complete\n'])
      expect(() => probeTarget(kernel(symbols), module('loaded'))).toThrow(
        "this kernel's vhost_net has no zero copy",
      )
    expect(() => probeTarget(systemWith({}), module('loaded'))).toThrow('has no zero copy')
    for (const state of ['unloaded', 'absent'] as const)
      expect(() => probeTarget(kernel(older), module(state))).toThrow('vhost_net is not loaded')
  })

  it('judges real histograms', () => {
    expect(judge(parseHistogram(recorded('hist-works.txt')), 200)).toMatchObject({ verdict: 'works' })
    expect(judge(parseHistogram(recorded('hist-copied.txt')), 200)).toMatchObject({
      verdict: 'copied',
      zeroCopied: 0,
    })
    const none = parseHistogram(recorded('hist-not-tried.txt'))
    expect(judge(none, 5)).toMatchObject({ verdict: 'not-tried' })
    expect(judge(none, 0)).toMatchObject({ verdict: 'no-traffic' })
    expect(judge(new Map([[64, 5]]), 5)).toMatchObject({ verdict: 'unreadable' })
  })

  it('refuses without tracefs, and never mounts it', () => {
    expect(() => findTracefs(systemWith({ '/sys/kernel/x': '' }))).toThrow(
      /^tracefs is not mounted; run mount -t tracefs/,
    )
    expect(() => findTracefs(systemWith({ '/sys/kernel/tracing/events/enable': '' }))).toThrow(
      'CONFIG_KPROBE_EVENTS',
    )
    const system = systemWith({ '/sys/kernel/debug/tracing/kprobe_events': '' })
    expect(findTracefs(system)).toBe(`${system.paths.root}/sys/kernel/debug/tracing`)
  })
})
