import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { parseArchive } from '../../../src/system/archive'
import { ArchivedSystem } from '../../../src/system/archived-system'
import { openSystem, type System } from '../../../src/system/system'
import { systemWith } from '../../support/systems'
import { tarOf } from '../../support/tar'

const R = '/home/me/guest.tar.gz'
const ODD = '\x80\xfe'

const archived = new ArchivedSystem(
  R,
  parseArchive(
    R,
    gzipSync(
      tarOf(
        { name: 'sys/devices/net/eth0/ifindex', content: '2\n' },
        { name: 'sys/devices/net/eth0/empty' },
        { name: 'sys/devices/net/eth0/up', type: '2', target: '../..' },
        { name: 'sys/class/net/eth0', type: '2', target: '../../devices/net/eth0' },
        { name: 'sys/class/net/gone', type: '2', target: '../../devices/net/gone' },
        { name: 'sys/class/net/round', type: '2', target: 'about' },
        { name: 'sys/class/net/about', type: '2', target: 'round' },
        { name: 'sys/class/net/top', type: '2', target: '../../..' },
        // "größe" in UTF-8, and what is none.
        { name: 'sys/class/net/gr\xc3\xb6\xc3\x9fe', content: 'x' },
        { name: `sys/class/net/${ODD}`, content: 'x' },
        { name: 'sys/class/net/text', content: 'gr\xc3\xbcn \xff' },
      ),
    ),
  ),
)

/** The same tree on the disk. */
function onDisk(): System {
  const system = systemWith({
    '/sys/devices/net/eth0/ifindex': '2\n',
    '/sys/devices/net/eth0/empty': '',
    '/sys/class/net/größe': 'x',
  })
  const net = `${system.paths.root}/sys/class/net`
  mkdirSync(net, { recursive: true })
  symlinkSync('../..', `${system.paths.root}/sys/devices/net/eth0/up`)
  symlinkSync('../../devices/net/eth0', `${net}/eth0`)
  symlinkSync('../../devices/net/gone', `${net}/gone`)
  symlinkSync('about', `${net}/round`)
  symlinkSync('round', `${net}/about`)
  symlinkSync('../../..', `${net}/top`)
  writeFileSync(Buffer.from(`${net}/${ODD}`, 'latin1'), 'x')
  writeFileSync(`${net}/text`, Buffer.from('gr\xc3\xbcn \xff', 'latin1'))
  return system
}

describe('answers as the same tree on a disk does', () => {
  const answer = (system: System, path: string) => {
    const of = (ask: (path: string) => unknown) => {
      try {
        return ask(`${system.paths.root}${path}`)
      } catch (error) {
        return (error as NodeJS.ErrnoException).code
      }
    }
    const kindAndSize = (facts: ReturnType<System['stat']>) =>
      facts && { kind: facts.kind, uid: facts.uid, ...(facts.kind === 'file' ? { size: facts.size } : {}) }
    return {
      text: of((at) => system.readText(at)),
      list: of((at) => system.list(at)),
      exists: of((at) => system.exists(at)),
      link: of((at) => system.readLink(at)),
      stat: of((at) => kindAndSize(system.stat(at))),
      linkStat: of((at) => kindAndSize(system.linkStat(at))),
    }
  }

  test.each([
    ...['', '/', '/sys', '/sys/class/net', '/sys/class/net/', '/sys/class/net/eth0', '/gone', '/gone/gone'],
    ...['/sys/class/net/eth0/ifindex', '/sys/class//net/./eth0/ifindex', '/sys/class/net/eth0/empty'],
    ...['/sys/class/net/eth0/up', '/sys/class/net/eth0/up/net/eth0/ifindex', '/sys/class/net/eth0/../eth0'],
    ...['/sys/class/net/gone', '/sys/class/net/gone/x', '/sys/class/net/eth0/ifindex/x'],
    ...[
      '/sys/class/net/größe',
      `/sys/class/net/${ODD}`,
      '/sys/class/net/\ufffd\ufffd',
      '/sys/class/net/text',
    ],
    ...['/sys/class/net/top/sys/devices/net/eth0/ifindex'],
  ])('%j', (path) => {
    expect(answer(archived, path)).toEqual(answer(onDisk(), path))
  })

  test('links that go round in a circle lead nowhere; a disk says ELOOP', () => {
    expect(answer(archived, '/sys/class/net/round')).toMatchObject({ exists: false, link: 'about', list: [] })
    expect(answer(onDisk(), '/sys/class/net/round')).toMatchObject({
      exists: false,
      link: 'about',
      text: 'ELOOP',
    })
  })
})

test('nothing leads out of it', () => {
  for (const out of ['/..', '/../../../etc/passwd', '/sys/class/net/top/../etc/passwd']) {
    expect(archived.exists(`${R}${out}`), out).toBe(false)
    expect(archived.readText(`${R}${out}`), out).toBeUndefined()
  }
})

test('what is not below the archive is this machine: the file that --config names', () => {
  const files = systemWith({ '/my.toml': 'cap = 1\n' })
  const path = `${files.paths.root}/my.toml`
  expect(archived.readText(path)).toBe('cap = 1\n')
  expect(archived.exists(path)).toBe(true)
  expect(archived.stat(path)).toEqual(openSystem().stat(path))
  expect(archived.linkStat(path)).toEqual(openSystem().linkStat(path))
  expect(archived.readLink(path)).toBeUndefined()
  expect(archived.list(files.paths.root)).toEqual(['my.toml'])
  expect(archived.exists(`${R}x`)).toBe(false)
})

test('it is not written, and none of its programs is run', async () => {
  for (const path of [`${R}/sys/class/net/text`, '/tmp/x']) {
    for (const write of [
      () => archived.writeAttribute(path),
      () => archived.replaceFile(path),
      () => archived.touchFile(path),
    ]) {
      expect(write).toThrow(`EROFS: ${path}`)
    }
  }
  expect(archived.mayWrite).toBe(false)
  expect(archived.findTool()).toBeUndefined()
  await expect(archived.run('ethtool')).rejects.toThrow(`${R}: has no recorded output of ethtool`)
})
