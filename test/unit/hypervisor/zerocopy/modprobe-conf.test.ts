import { describe, expect, it } from 'vitest'
import {
  isOn,
  ownConf,
  parseModprobeConf,
  readConfigured,
} from '../../../../src/hypervisor/zerocopy/modprobe-conf'
import type { System } from '../../../../src/system/system'
import { systemWith } from '../../../support/systems'

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
