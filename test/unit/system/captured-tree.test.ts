import { chmodSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { laterReading, openCapturedTree } from '../../../src/system/captured-tree'
import { guestArchive } from '../../support/captured-guest'
import { systemWith } from '../../support/systems'
import { archiveFile, tarOf } from '../../support/tar'

const RECORDED = {
  '/ethtool/eth0.l': 'Combined: 4\n',
  '/ethtool/eth0.x': '',
  '/ethtool/eth0.x.err': 'Cannot get RX ring count: Operation not supported\n',
  '/ethtool/eth0.x.code': '75\n',
  '/ethtool/ip-link.json': '[]\n',
}

const PROGRAM = '#!/bin/sh\necho "ran $*"\n'

const inArchive = (files: Readonly<Record<string, string>>) =>
  openCapturedTree(
    archiveFile(tarOf(...Object.entries(files).map(([path, content]) => ({ name: `.${path}`, content })))),
  )

const inDirectory = (files: Readonly<Record<string, string>>) =>
  openCapturedTree(systemWith(files).paths.root)

describe.each([
  ['an archive', inArchive],
  ['a directory', inDirectory],
])('%s', (_kind, open) => {
  test('what was recorded stands in for programs', async () => {
    const system = open(RECORDED)
    expect(system.findTool('ethtool')).toBe(`${system.paths.root}/ethtool`)
    expect(system.findTool('ip')).toBe(`${system.paths.root}/ethtool/ip-link.json`)
    expect(await system.run('ethtool', ['-l', 'eth0'])).toEqual({
      code: 0,
      stdout: 'Combined: 4\n',
      stderr: '',
    })
    expect(await system.run('ethtool', ['-x', 'eth0'])).toEqual({
      code: 75,
      stdout: '',
      stderr: 'Cannot get RX ring count: Operation not supported\n',
    })
    expect(await system.run('ip', ['-j', '-d', 'link', 'show'])).toMatchObject({ code: 0, stdout: '[]\n' })
  })

  test('what could not be read in the guest cannot be read here', () => {
    const unreadable = { '/etc/a': 'EACCES', '/etc/d': 'EPERM', '/etc/b': 'EINVAL' }
    const files = { '/etc/a': 'x', '/etc/b': 'x', '/etc/d/e': 'x' }
    const system = open({ ...RECORDED, ...files, '/capture.json': JSON.stringify({ unreadable }) })
    const { root } = system.paths
    expect(() => system.readText(`${root}/etc/a`)).toThrow(expect.objectContaining({ code: 'EACCES' }))
    expect(() => system.list(`${root}/etc/d`)).toThrow(expect.objectContaining({ code: 'EPERM' }))
    expect(system.readText(`${root}/etc/b`)).toBe('x')
    expect(system.list(`${root}/etc`)).toEqual(['a', 'b', 'd'])
    for (const damaged of ['', '{', '[]', 'null', '{"unreadable":7}', '{"unreadable":{"/etc/a":7}}']) {
      const other = open({ ...RECORDED, ...files, '/capture.json': damaged })
      expect(other.readText(`${other.paths.root}/etc/a`), damaged).toBe('x')
    }
  })

  test('a second reading of the counters', async () => {
    const again = { '/later/proc/net/dev': 'later', '/later/ethtool/eth0.S': 'rx: 2\n' }
    const system = open({ ...RECORDED, ...again, '/proc/net/dev': 'now', '/later/after-ms': '1500\n' })
    const later = laterReading(system)
    expect(later?.afterMs).toBe(1500)
    expect(later?.system.readText(later.system.paths.procNetDev)).toBe('later')
    expect(system.readText(system.paths.procNetDev)).toBe('now')
    expect((await later?.system.run('ethtool', ['-S', 'eth0']))?.stdout).toBe('rx: 2\n')
    expect(laterReading(open(RECORDED))).toBeUndefined()
    expect(laterReading(open({ ...RECORDED, '/later/after-ms': '-1' }))).toBeUndefined()
  })

  test('a call that was not recorded fails, and says so', async () => {
    const system = open(RECORDED)
    const stderr = (call: string) => ({ code: 1, stdout: '', stderr: `${call} was not recorded\n` })
    expect(await system.run('ethtool', ['-l', 'eth1'])).toEqual(stderr('ethtool -l eth1'))
    expect(await system.run('ethtool', ['--version'])).toEqual(stderr('ethtool --version'))
    expect(await system.run('ip', ['route'])).toEqual(stderr('ip route'))
  })

  test('other programs by their calls', async () => {
    const system = open({
      '/sys/x': '',
      '/programs/tc -j qdisc show dev eth0': '[]\n',
      '/programs/x %2Fdev%2Fa 5%25': 'a',
      '/programs/x %2Fdev%2Fa 5%25.code': '3\n',
    })
    expect(system.findTool('tc')).toBe(`${system.paths.root}/programs`)
    expect(system.findTool('t')).toBeUndefined()
    expect(await system.run('tc', ['-j', 'qdisc', 'show', 'dev', 'eth0'])).toEqual({
      ...{ code: 0, stdout: '[]\n', stderr: '' },
    })
    expect(await system.run('x', ['/dev/a', '5%'])).toEqual({ code: 3, stdout: 'a', stderr: '' })
  })

  test('programs of which nothing was recorded are not installed', async () => {
    const system = open({ '/ethtool/eth0.l': '' })
    expect(system.findTool('ip')).toBeUndefined()
    expect(system.findTool('virsh')).toBeUndefined()
    await expect(system.run('virsh', [])).rejects.toMatchObject({ kind: 'tool-missing' })
    const bare = open({ '/sys/x': '' })
    expect(bare.findTool('ethtool')).toBeUndefined()
    await expect(bare.run('ethtool', ['-l', 'eth0'])).rejects.toMatchObject({ kind: 'tool-missing' })
  })
})

test("a directory's own program is run, an archive's is not", async () => {
  const files = { ...RECORDED, '/usr/sbin/ethtool': PROGRAM }
  const directory = inDirectory(files)
  chmodSync(`${directory.paths.root}/usr/sbin/ethtool`, 0o755)
  expect(directory.findTool('ethtool')).toBe(`${directory.paths.root}/usr/sbin/ethtool`)
  expect(await directory.run('ethtool', ['-l', 'eth0'])).toMatchObject({ stdout: 'ran -l eth0\n' })
  const archive = inArchive(files)
  expect(archive.readText(`${archive.paths.root}/usr/sbin/ethtool`)).toBe(PROGRAM)
  expect(await archive.run('ethtool', ['-l', 'eth0'])).toMatchObject({ stdout: 'Combined: 4\n' })
})

test('a captured guest', async () => {
  const guest = openCapturedTree(guestArchive('bond'))
  expect(await guest.run('ethtool', ['-l', 'bond0'])).toEqual({
    code: 1,
    stdout: '',
    stderr: 'netlink error: Operation not supported\n',
  })
})
