import { execFileSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  boundedSearch,
  MAX_FILE_BYTES,
  MAX_FILES,
  MAX_NAMES,
  resolved,
} from '../../../src/writers/bounded-system'
import { systemWith } from '../../support/systems'

test('large files, programs, devices and links in circles are not read; what was left out is told', () => {
  const system = systemWith({
    '/etc/big': 'x'.repeat(MAX_FILE_BYTES + 1),
    '/etc/program': '\u007fELF\0',
    '/usr/bin/program': 'x'.repeat(MAX_FILE_BYTES + 1),
    '/etc/a': 'text',
  })
  const { root } = system.paths
  symlinkSync('/etc/a', `${root}/etc/link`)
  symlinkSync('loop2', `${root}/etc/loop1`)
  symlinkSync('loop1', `${root}/etc/loop2`)
  const { system: bounded, left } = boundedSearch(system)
  const read = (name: string) => bounded.readText(`${root}/etc/${name}`)
  expect(['a', 'link', 'program', 'loop1', 'big', 'big', 'missing'].map(read)).toEqual([
    'text',
    'text',
    ...Array.from({ length: 5 }, () => undefined),
  ])
  expect(resolved(system, `${root}/etc/loop1`)).toBeUndefined()
  // Of a program nothing is told: it is no script.
  expect(bounded.readText(`${root}/usr/bin/program`)).toBeUndefined()
  expect(left).toEqual([`/etc/big: larger than ${MAX_FILE_BYTES / 1024} KiB`])
})

test('a search ends: after so many files, so many names, and so long', () => {
  const system = systemWith({ '/etc/a': 'text' })
  const { root } = system.paths
  const many = Object.assign(Object.create(system), {
    list: () => Array.from({ length: MAX_NAMES + 5 }, (_, index) => `f${index}`),
    readText: () => 'text',
    readLink: () => undefined,
    stat: () => ({ uid: 0, mode: 0o644, size: 4, kind: 'file' }),
  })
  const { system: bounded, left } = boundedSearch(many)
  expect(bounded.list(`${root}/etc`)).toHaveLength(MAX_NAMES)
  for (let index = 0; index < MAX_FILES; index++) expect(bounded.readText(`${root}/f${index}`)).toBe('text')
  expect(bounded.readText(`${root}/one-more`)).toBeUndefined()
  expect(bounded.readText(`${root}/f1`), 'read once').toBe('text')
  expect(left).toEqual([
    `/etc: only the first ${MAX_NAMES} of ${MAX_NAMES + 5} files were searched`,
    `other files: not searched further after ${MAX_FILES} files`,
  ])
  let now = 0
  const late = boundedSearch(system, () => now)
  expect(late.system.readText(`${root}/etc/a`)).toBe('text')
  now = 60_000
  expect(late.system.readText(`${root}/etc/b`)).toBeUndefined()
  expect(late.left).toEqual(['other files: not searched further after 3 s'])
})

test('a pipe is not read, which would wait; it has no text', () => {
  const system = systemWith({ '/etc/a': 'text' })
  const pipe = `${system.paths.root}/etc/pipe`
  execFileSync('mkfifo', [pipe])
  expect(boundedSearch(system).system.readText(pipe)).toBe('')
})

test('what was left out is told once, and no more than twenty times', () => {
  const names = Array.from({ length: 25 }, (_, index) => `big${index}`)
  const text = 'x'.repeat(MAX_FILE_BYTES + 1)
  const system = systemWith(Object.fromEntries(names.map((name) => [`/etc/${name}`, text])))
  const { root } = system.paths
  const few = boundedSearch(system, () => 0)
  const full = Object.assign(Object.create(system), {
    list: () => Array.from({ length: MAX_NAMES + 1 }, (_, index) => `f${index}`),
  })
  const twice = boundedSearch(full)
  for (let time = 0; time < 2; time++) expect(twice.system.list(`${root}/etc`)).toHaveLength(MAX_NAMES)
  expect(twice.left).toHaveLength(1)
  for (const name of names) expect(few.system.readText(`${root}/etc/${name}`)).toBeUndefined()
  expect(few.left).toHaveLength(20)
})

test.each([
  ['../etc/a', '/etc/a'],
  ['./a', '/etc/a'],
  ['/opt/../etc/./a', '/etc/a'],
  ['../../../../../../../../opt/a', '/opt/a'],
  ['/../../opt/a', '/opt/a'],
])('a link to %s leads to %s, and never out of the tree', (target, real) => {
  const system = systemWith({ '/etc/a': 'etc', '/opt/a': 'opt' })
  const { root } = system.paths
  symlinkSync(target, `${root}/etc/link`)
  expect(resolved(system, `${root}/etc/link`)).toBe(`${root}${real}`)
  expect(boundedSearch(system).system.readText(`${root}/etc/link`)).toBe(real.slice(1, 4))
})
