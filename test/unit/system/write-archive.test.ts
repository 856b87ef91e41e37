import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { parseArchive } from '../../../src/system/archive'
import { ArchivedSystem } from '../../../src/system/archived-system'
import { packArchive, type TarEntry } from '../../../src/system/write-archive'
import { fileOf } from '../../support/tar'

const long = `sys/${'größe/'.repeat(30)}file`
const ENTRIES: readonly TarEntry[] = [
  { path: 'sys/a', node: { kind: 'file', text: 'x'.repeat(1000) } },
  { path: 'sys/empty', node: { kind: 'file', text: '' } },
  { path: 'sys/block', node: { kind: 'file', text: 'y'.repeat(512) } },
  { path: 'sys/directory', node: { kind: 'directory' } },
  { path: long, node: { kind: 'file', text: 'größe' } },
  { path: `sys/${'n'.repeat(96)}`, node: { kind: 'file', text: '100 bytes' } },
  { path: 'sys/link', node: { kind: 'link', target: long.slice(4) } },
]

test('what is written is what is read', () => {
  const system = new ArchivedSystem('/a', parseArchive('/a', packArchive(ENTRIES)))
  expect(system.readText('/a/sys/a')).toBe('x'.repeat(1000))
  expect(system.readText('/a/sys/empty')).toBe('')
  expect(system.readText('/a/sys/block')).toBe('y'.repeat(512))
  expect(system.stat('/a/sys/directory')?.kind).toBe('directory')
  expect(system.readText(`/a/${long}`)).toBe('größe')
  expect(system.readText('/a/sys/link')).toBe('größe')
  expect(system.readText(`/a/sys/${'n'.repeat(96)}`)).toBe('100 bytes')
})

test('tar reads it, too', () => {
  const list = execFileSync('tar', ['-tzvf', fileOf(packArchive(ENTRIES)), '--quoting-style=literal'], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
  })
  expect(list).toContain(` ${long}\n`)
  expect(list).toMatch(/^drwxr-xr-x 0\/0 +0 1970-01-01 00:00 sys\/directory\/$/m)
  expect(list).toMatch(/^-rw-r--r-- 0\/0 +1000 1970-01-01 00:00 sys\/a$/m)
  expect(list).toContain(` sys/link -> ${long.slice(4)}\n`)
})

test('the same entries make the same bytes, in whatever order', () => {
  expect(packArchive([...ENTRIES].reverse()).equals(packArchive(ENTRIES))).toBe(true)
})
