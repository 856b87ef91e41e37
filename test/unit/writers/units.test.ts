import { symlinkSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { effective, findUnits, isEnabled, isMasked } from '../../../src/writers/units'
import { systemFailing, systemWith } from '../../support/systems'

const ETC = '/etc/systemd/system'
const LIB = '/usr/lib/systemd/system'
const WANTS = `${ETC}/multi-user.target.wants`

/** By name: the values of ExecStart=, ! before those of a unit that is not enabled. */
function commands(files: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    findUnits(systemWith(files)).all.map((unit) => [
      `${unit.isEnabled ? '' : '!'}${unit.name}`,
      effective(unit, /^ExecStart$/).map(({ value }) => value),
    ]),
  )
}

const exec = (...values: string[]) => `[Service]\n${values.map((value) => `ExecStart=${value}\n`).join('')}`

test('a unit of /etc hides that of /usr/lib; others of its directory are none', () => {
  expect(
    commands({
      [`${LIB}/q.service`]: exec('a'),
      [`${ETC}/q.service`]: exec('b'),
      [`${ETC}/q.target`]: exec('c'),
    }),
  ).toEqual({ '!q.service': ['b'] })
})

describe('enabled is', () => {
  const q = { [`${ETC}/q.service`]: exec('a') }
  test.each([
    [{}, false],
    [{ [`${WANTS}/q.service`]: '' }, true],
    [{ [`${LIB}/x.service.requires/q.service`]: '' }, true],
    [{ [`${ETC}/x.target.upholds/q.service`]: '' }, true],
    [{ [`${ETC}/q.timer`]: '[Timer]\n', [`${ETC}/timers.target.wants/q.timer`]: '' }, true],
    [{ [`${ETC}/q.timer`]: '[Timer]\n' }, false],
    [{ [`${ETC}/p.path`]: '[Path]\nUnit=q.service\n', [`${WANTS}/p.path`]: '' }, true],
    [{ [`${ETC}/q.timer`]: '[Timer]\nUnit=x.service\n', [`${WANTS}/q.timer`]: '' }, false],
    [{ [`${ETC}/p.service`]: '[Unit]\nWants=x.service q.service\n', [`${WANTS}/p.service`]: '' }, true],
    [{ [`${ETC}/p.service`]: '[Unit]\nAfter=q.service\n', [`${WANTS}/p.service`]: '' }, false],
  ])('what %j pulls in: %s', (files, expected) => {
    expect(isEnabled(findUnits(systemWith({ ...q, ...files })), 'q.service')).toBe(expected)
  })
})

test('masked is an empty file, or a link to /dev/null, and it is no unit', () => {
  const system = systemWith({
    [`${LIB}/q.service`]: exec('a'),
    [`${ETC}/p.service`]: '',
    [`${LIB}/r.service`]: exec(),
  })
  symlinkSync('/dev/null', `${system.paths.root}${ETC}/q.service`)
  const units = findUnits(system)
  expect(['q.service', 'p.service', 'r.service', 's.service'].map((name) => isMasked(units, name))).toEqual([
    true,
    true,
    false,
    false,
  ])
  expect(units.all.map(({ name }) => name)).toEqual(['r.service'])
  expect(isEnabled(units, 'q.service')).toBe(false)
})

test('drop-ins are in the order of their names, of the unit, its template and its kind', () => {
  expect(
    commands({
      [`${ETC}/q@.service`]: exec('%i'),
      [`${WANTS}/q@a.service`]: '',
      [`${ETC}/q@.service.d/30.conf`]: exec('template'),
      [`${ETC}/q@a.service.d/20.conf`]: exec('instance'),
      [`${ETC}/service.d/10.conf`]: exec('kind'),
      // Of the same name: the nearest counts.
      [`${ETC}/service.d/40.conf`]: exec('kind 40'),
      [`${ETC}/q@a.service.d/40.conf`]: exec('instance 40'),
      [`${LIB}/q@a.service.d/20.conf`]: exec('hidden'),
      [`${ETC}/q@a.service.d/50.txt`]: exec('no drop-in'),
    }),
  ).toEqual({ 'q@a.service': ['%i', 'kind', 'instance', 'template', 'instance 40'] })
})

test('lines are those of their files', () => {
  const system = systemWith({
    [`${ETC}/q.service`]: `[Unit]\n${exec('a')}`,
    [`${ETC}/q.service.d/x.conf`]: exec('b'),
  })
  const [unit] = findUnits(system).all
  expect(
    unit?.lines.map(({ path, line, value }) => `${path.replace(system.paths.root, '')}:${line} ${value}`),
  ).toEqual([`${ETC}/q.service:3 a`, `${ETC}/q.service.d/x.conf:2 b`])
})

test('an empty assignment ends what came before, of its own key', () => {
  const text = '[Service]\nExecStart=a\nExecStartPre=b\nExecStart=\nExecStart=c\n'
  const [unit] = findUnits(systemWith({ [`${ETC}/q.service`]: text })).all
  expect(unit && effective(unit, /^ExecStart/).map(({ value }) => value)).toEqual(['b', 'c'])
})

describe('templates', () => {
  const template = { [`${ETC}/q@.service`]: exec('a') }
  test.each([
    [{}, ['q@.service ']],
    [
      { [`${WANTS}/q@x.service`]: '', [`${WANTS}/q@y-z.service`]: '' },
      ['q@x.service x', 'q@y-z.service y-z'],
    ],
    // One with a file of its own, one that is masked, one of another template.
    [{ [`${ETC}/q@x.service`]: exec('b') }, ['q@x.service x']],
    [{ [`${WANTS}/q@x.service`]: '', [`${ETC}/q@x.service`]: '' }, []],
    [{ [`${WANTS}/qq@x.service`]: '' }, ['q@.service ']],
  ])('with %j: %j', (files, expected) => {
    const { all } = findUnits(systemWith({ ...template, ...files }))
    expect(all.map(({ name, instance }) => `${name} ${instance}`)).toEqual(expected)
  })
})

test('they are read once; where they may not be read there are none', () => {
  const system = systemWith({ [`${ETC}/q.service`]: exec('a') })
  expect(findUnits(system)).toBe(findUnits(system))
  expect(findUnits(systemFailing('EACCES')).all).toEqual([])
})
