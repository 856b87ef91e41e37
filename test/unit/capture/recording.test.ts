import { mkdirSync, symlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Recording, withoutStrangers } from '../../../src/capture/recording'
import { parseArchive } from '../../../src/system/archive'
import type { System } from '../../../src/system/system'
import { packArchive } from '../../../src/system/write-archive'
import { systemWith } from '../../support/systems'

function tree(files: Readonly<Record<string, string>>, links: Readonly<Record<string, string>> = {}) {
  const system = systemWith(files)
  const { root } = system.paths
  for (const [path, target] of Object.entries(links)) {
    mkdirSync(dirname(`${root}${path}`), { recursive: true })
    symlinkSync(target, `${root}${path}`)
  }
  const recording = new Recording(system)
  const nodes = () => Object.fromEntries([...recording.nodes].sort(([a], [b]) => (a < b ? -1 : 1)))
  return { root, recording, seen: recording.system, nodes }
}

const file = (text: string) => ({ kind: 'file', text })

test('files are kept where their links lead, with the links on the way', () => {
  const { root, seen, nodes } = tree(
    { '/sys/devices/pci/virtio2/net/eth0/mtu': '1500\n', '/sys/devices/pci/msi_irqs/7': 'msix\n' },
    {
      '/sys/class/net/eth0': '../../devices/pci/virtio2/net/eth0',
      '/sys/devices/pci/virtio2/net/eth0/device': '../../../virtio2',
    },
  )
  expect(seen.readText(`${root}/sys/class/net/eth0/mtu`)).toBe('1500\n')
  expect(seen.list(`${root}/sys/class/net/eth0/device/../msi_irqs`)).toEqual(['7'])
  expect(seen.readText(`${root}/sys/class/net/eth0/none`)).toBeUndefined()
  expect(nodes()).toEqual({
    'sys/class/net/eth0': { kind: 'link', target: '../../devices/pci/virtio2/net/eth0' },
    'sys/devices/pci/msi_irqs': { kind: 'directory' },
    'sys/devices/pci/msi_irqs/7': file(''),
    'sys/devices/pci/virtio2/net/eth0/device': { kind: 'link', target: '../../../virtio2' },
    'sys/devices/pci/virtio2/net/eth0/mtu': file('1500\n'),
  })
})

test('links of an archive are relative and climb only at their beginning', () => {
  const { root, seen, nodes, recording } = tree(
    { '/usr/lib/a': 'x' },
    {
      '/etc/absolute': '/usr/lib/none',
      '/etc/odd': '../usr/lib/../lib/a',
      '/proc/7/exe': '/usr/sbin/x (deleted)',
    },
  )
  expect(seen.readLink(`${root}/etc/absolute`)).toBe('/usr/lib/none')
  expect(seen.readText(`${root}/etc/odd`)).toBe('x')
  expect(seen.readLink(`${root}/proc/7/exe`)).toBe('/usr/sbin/x (deleted)')
  expect(nodes()).toEqual({
    'etc/absolute': { kind: 'link', target: '../usr/lib/none' },
    'etc/odd': { kind: 'link', target: '../usr/lib/a' },
    'proc/7/exe': { kind: 'link', target: '../../usr/sbin/x (deleted)' },
    'usr/lib/a': file('x'),
  })
  const entries = [...recording.nodes].map(([path, node]) => ({ path, node }))
  expect(() => parseArchive('a', packArchive(entries))).not.toThrow()
})

test('links that go round in a circle lead nowhere', () => {
  const { root, seen, nodes } = tree({}, { '/etc/a': 'b', '/etc/b': 'a' })
  expect(() => seen.readText(`${root}/etc/a`)).toThrow('ELOOP')
  expect(Object.keys(nodes())).toEqual(['etc/a', 'etc/b'])
})

test('the first text of a file is kept, and given again', () => {
  const { root, recording, seen } = tree({ '/proc/stat': 'one' })
  const path = `${root}/proc/stat`
  expect(seen.readText(path)).toBe('one')
  seen.replaceFile(path, 'two')
  expect(seen.readText(path)).toBe('one')
  expect(recording.nodes.get('proc/stat')).toEqual(file('one'))
})

test('what was asked about is there in the capture', () => {
  const { root, seen, nodes } = tree({ '/run/a': 'secret', '/run/b/c': '', '/run/d': '' })
  expect(seen.exists(`${root}/run/a`)).toBe(true)
  expect(seen.stat(`${root}/run/b`)?.kind).toBe('directory')
  expect(seen.linkStat(`${root}/run/d`)?.kind).toBe('file')
  expect(seen.exists(`${root}/run/none`)).toBe(false)
  expect(seen.exists('/')).toBe(true)
  expect(seen.readText('/proc/self/comm')).toBeDefined()
  expect(seen.list('/proc/self')).toContain('comm')
  expect(nodes()).toEqual({ 'run/a': file(''), 'run/b': { kind: 'directory' }, 'run/d': file('') })
})

test('the own process is none of the guest: /proc/net is a directory', () => {
  const { root, seen, nodes } = tree({ '/proc/7/net/dev': 'x' }, { '/proc/net': '7/net' })
  expect(seen.readText(`${root}/proc/net/dev`)).toBe('x')
  expect(nodes()).toEqual({ 'proc/net/dev': file('x') })
})

test('what cannot be read is named', () => {
  const failing = Object.assign(Object.create(systemWith({})) as System, {
    readText: () => {
      throw Object.assign(new Error('no'), { code: 'EACCES' })
    },
    list: () => {
      throw new Error('odd')
    },
  })
  const { root } = failing.paths
  const recording = new Recording(failing)
  expect(() => recording.system.readText(`${root}/etc/a`)).toThrow('no')
  expect(() => recording.system.list(`${root}/etc`)).toThrow('odd')
  expect([...recording.unreadable]).toEqual([
    ['etc/a', 'EACCES'],
    ['etc', 'odd'],
  ])
})

describe('programs', () => {
  const answers = { code: 0, stdout: 'out', stderr: '' }
  const run = (tool: string, args: readonly string[]) =>
    args[0] === '-x'
      ? Promise.resolve({ code: 95, stdout: '', stderr: 'no\n' })
      : tool === 'ethtool' && args[0] === '-S'
        ? Promise.reject(new Error('late'))
        : Promise.resolve(answers)

  test('their output is kept as captured-tree.ts reads it, once', async () => {
    let runs = 0
    const recording = new Recording(
      Object.assign(Object.create(systemWith({})) as System, {
        run: (tool: string, args: readonly string[]) => {
          runs++
          return run(tool, args)
        },
      }),
    )
    const { system } = recording
    for (const _ of [1, 2]) expect(await system.run('ethtool', ['-l', 'eth0'])).toEqual(answers)
    expect(runs).toBe(1)
    await system.run('ethtool', ['-x', 'eth0'])
    await expect(system.run('ethtool', ['-S', 'eth0'])).rejects.toThrow('late')
    await system.run('ip', ['-j', '-d', 'link', 'show'])
    await system.run('ip', ['route'])
    await system.run('ethtool', ['--version'])
    expect(Object.fromEntries(recording.nodes)).toEqual({
      'ethtool/eth0.l': file('out'),
      'ethtool/eth0.x': file(''),
      'ethtool/eth0.x.err': file('no\n'),
      'ethtool/eth0.x.code': file('95\n'),
      'ethtool/ip-link.json': file('out'),
      'programs/ethtool --version': file('out'),
      'programs/ip route': file('out'),
    })
    expect([...recording.unreadable]).toEqual([['ethtool/eth0.S', 'late']])
  })
})

test('processes of which only the name was read are left out', () => {
  const { root, recording, seen } = tree({
    '/proc/1/comm': 'init',
    '/proc/7/comm': 'x',
    '/proc/8/comm': 'y',
    '/proc/8/status': '',
  })
  for (const pid of seen.list(`${root}/proc`)) seen.readText(`${root}/proc/${pid}/comm`)
  seen.readText(`${root}/proc/8/status`)
  seen.exists(`${root}/proc/1`)
  expect([...withoutStrangers(recording.nodes).keys()].sort()).toEqual([
    ...['proc', 'proc/1', 'proc/1/comm', 'proc/8/comm', 'proc/8/status'],
  ])
})
