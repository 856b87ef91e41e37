import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { conditionsOf, parseScatterGather } from '../../../src/host/zerocopy/conditions'
import { isOn, ownConf, parseModprobeConf, readConfigured } from '../../../src/host/zerocopy/modprobe-conf'
import { parseUsers, planReload, readVhostModule, type VhostModule } from '../../../src/host/zerocopy/module'
import { argumentFetches, judge, successArgument } from '../../../src/host/zerocopy/probe'
import { findTracefs, parseHistogram } from '../../../src/host/zerocopy/tracefs'
import { systemHost } from '../../../src/system/host'
import { recorded } from './recorded'

function tree(files: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), 'vqtune-host-'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return systemHost(root)
}

describe('configured value', () => {
  it('goes by the names of the files, and a file that goes away says nothing', () => {
    const line = (value: number) => `options vhost_net experimental_zcopytx=${value}\n`
    const host = tree({ 'etc/modprobe.d/a.conf': line(1), 'etc/modprobe.d/b.conf': line(0) })
    const [directory = ''] = host.paths.hypervisor.modprobeDirs
    for (const names of [
      ['b.conf', 'gone.conf', 'a.conf'],
      ['a.conf', 'b.conf'],
    ]) {
      const listing = { list: (path: string) => (path === directory ? names : []) }
      expect(readConfigured(Object.assign(Object.create(host), listing)).map(({ value }) => value)).toEqual([
        '1',
        '0',
      ])
    }
  })

  it('reads options with dashes, continuations and other parameters', () => {
    const text =
      '# options vhost_net experimental_zcopytx=9\noptions vhost-net x=1 \\\n  experimental_zcopytx=1\n'
    expect(parseModprobeConf(text, 'f')).toEqual([{ value: '1', source: 'f:2' }])
    expect(parseModprobeConf(ownConf(true), 'f').map(({ value }) => value)).toEqual(['1'])
    expect(parseModprobeConf(ownConf(false), 'f').map(({ value }) => value)).toEqual(['0'])
  })

  it('takes files by name, hides those of the same name, and lets the command line win', () => {
    const files = {
      'etc/modprobe.d/b.conf': ownConf(false),
      'usr/lib/modprobe.d/b.conf': ownConf(true),
      'run/modprobe.d/a.conf': ownConf(true),
      'etc/modprobe.d/z.conf.123.tmp': ownConf(true),
    }
    const short = (host: ReturnType<typeof tree>) =>
      readConfigured(host).map(({ value, source }) => [value, source.replace(host.paths.root, '')])
    expect(short(tree(files))).toEqual([
      ['1', '/run/modprobe.d/a.conf:3'],
      ['0', '/etc/modprobe.d/b.conf:2'],
    ])
    const cmdline = { 'proc/cmdline': 'quiet vhost-net.experimental_zcopytx=1\n' }
    expect(short(tree({ ...files, ...cmdline })).at(-1)).toEqual(['1', 'the kernel command line'])
  })

  it('knows that every other number than 0 is on', () => {
    expect(['0', '1', '2', '-1', '0x10', 'y'].map(isOn)).toEqual([false, true, true, true, true, undefined])
  })
})

describe('module', () => {
  const loaded = 'vhost_net 36864 3 - Live 0xffff\nvhost 57344 2 vhost_vsock,vhost_net, Live 0xffff\n'

  it('tells loaded, removed, built-in and unloaded apart', async () => {
    expect(parseUsers(loaded)).toBe(3)
    const parameter = { 'sys/module/vhost_net/parameters/experimental_zcopytx': '1\n' }
    expect(await readVhostModule(tree({ 'proc/modules': loaded, ...parameter }))).toMatchObject({
      state: 'loaded',
      parameter: 'present',
      running: true,
      users: 3,
    })
    expect(
      await readVhostModule(tree({ 'proc/modules': loaded, 'sys/module/vhost_net/refcnt': '3' })),
    ).toMatchObject({ state: 'loaded', parameter: 'removed', running: undefined })
    expect(await readVhostModule(tree({ 'proc/modules': '', ...parameter }))).toMatchObject({
      state: 'builtin',
    })
    expect(await readVhostModule(tree({ 'proc/modules': '' }))).toMatchObject({
      state: 'unloaded',
      parameter: 'unknown',
    })
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
    expect(planReload({ ...module, state: 'builtin', users: undefined }, true).kind).toBe('later')
    expect(
      planReload({ ...module, state: 'unloaded', users: undefined, running: undefined }, true).kind,
    ).toBe('none')
    expect(planReload({ ...module, state: 'absent', users: undefined, running: undefined }, false).kind).toBe(
      'none',
    )
  })
})

describe('conditions', () => {
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
    expect(conditionsOf([], new Map()).map(({ code }) => code)).toEqual(['no-uplink', 'small-packets'])
  })
})

describe('probe', () => {
  it('knows where the success argument is', () => {
    expect(['4.18.0-553.el8', '5.10.0', '5.12.0', '5.14.0-427.el9', '6.12.1'].map(successArgument)).toEqual([
      2, 2, 3, 3, 3,
    ])
    expect(argumentFetches(3, 'x64')).toEqual(['$arg3:u8', '%dx:u8'])
    expect(argumentFetches(2, 'riscv64')).toEqual(['$arg2:u8'])
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
    expect(() => findTracefs(tree({ 'sys/kernel/x': '' }))).toThrow(
      /^tracefs is not mounted; to mount it: mount -t tracefs/,
    )
    expect(() => findTracefs(tree({ 'sys/kernel/tracing/events/enable': '' }))).toThrow(
      'CONFIG_KPROBE_EVENTS',
    )
    const host = tree({ 'sys/kernel/debug/tracing/kprobe_events': '' })
    expect(findTracefs(host)).toBe(`${host.paths.root}/sys/kernel/debug/tracing`)
  })
})
