import { expect, test } from 'vitest'
import {
  allOf,
  certainIf,
  globMatches,
  listAllowed,
  negated,
  readAllowed,
  readableFiles,
  readableText,
  type Writer,
} from '../../../src/writers/writer'
import { systemFailing, systemWith } from '../../support/systems'

test.each([
  [[], 'yes'],
  [['yes', 'yes'], 'yes'],
  [['yes', 'maybe'], 'maybe'],
  [['maybe', 'no', 'yes'], 'no'],
] as const)('conditions that hold %j: %s', (verdicts, expected) => {
  expect(allOf(verdicts)).toBe(expected)
})

test('the opposite of what is not known is not known', () => {
  expect((['yes', 'no', 'maybe'] as const).map(negated)).toEqual(['no', 'yes', 'maybe'])
})

test('of a program that does not run, nothing is certain', () => {
  const writer: Writer = {
    writer: 'tuned',
    where: '/x:1',
    what: 'sets x',
    tunable: 'channels',
    matches: 'yes',
    remedy: 'none',
    value: '2',
  }
  expect(certainIf(true, writer)).toEqual(writer)
  expect(certainIf(false, writer)).toEqual({ ...writer, matches: 'maybe' })
})

test('a file that is not there has no text', () => {
  const system = systemWith({ '/etc/a': 'text' })
  expect(readAllowed(system, `${system.paths.root}/etc/a`)).toEqual({ text: 'text' })
  expect(readableText(system, `${system.paths.root}/etc/a`)).toBe('text')
  expect(readAllowed(system, `${system.paths.root}/etc/b`)).toBeUndefined()
  expect(listAllowed(system, `${system.paths.root}/etc`)).toEqual(['a'])
  expect(listAllowed(system, `${system.paths.root}/none`)).toEqual([])
})

test.each(['EACCES', 'EPERM'])('%s: only root may read it', (errno) => {
  const system = systemFailing(errno)
  expect(readAllowed(system, '/t/a')).toBe('unreadable')
  expect(readableText(system, '/t/a')).toBeUndefined()
  expect(listAllowed(system, '/t')).toBe('unreadable')
  expect(readableFiles(system, ['/t/a', '/t/b'], '.conf')).toEqual([])
})

test('another failure is as if it were not there', () => {
  const system = systemFailing('EIO')
  expect(readAllowed(system, '/t/a')).toBeUndefined()
  expect(listAllowed(system, '/t')).toEqual([])
})

test('files of several directories are in the order of their names; an earlier directory hides a later one', () => {
  const system = systemWith({
    '/etc/q/20.conf': '',
    '/lib/q/20.conf': '',
    '/lib/q/10.conf': '',
    '/lib/q/x': '',
  })
  const { root } = system.paths
  expect(readableFiles(system, [`${root}/etc/q`, `${root}/lib/q`, `${root}/none`], '.conf')).toEqual([
    `${root}/lib/q/10.conf`,
    `${root}/etc/q/20.conf`,
  ])
})

test.each([
  ['eth*', 'eth10', true],
  ['eth?', 'eth10', false],
  ['eth[01]', 'eth1', true],
  ['eth0', 'eth01', false],
  // A bracket that never closes is no pattern.
  ['eth[', 'eth[', false],
])('%s matches %s: %s', (glob, text, expected) => {
  expect(globMatches(glob, text)).toBe(expected)
})
