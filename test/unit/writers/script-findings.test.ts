import { chmodSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  executableFindings,
  isExecutable,
  opener,
  scriptFindings,
  scriptsIn,
} from '../../../src/writers/script-findings'
import { systemFailing, systemWith } from '../../support/systems'
import { NIC } from '../../support/writers'

const CALL = 'ethtool -L ens3 combined 2'

describe('the findings of a script', () => {
  test('say when it runs, and how to switch it off', () => {
    const system = systemWith({})
    const script = { path: `${system.paths.root}/etc/q`, text: `true\n${CALL}\n` }
    expect(scriptFindings(system, NIC, script, { writer: 'cron', when: 'at noon', remedy: 'wait' })).toEqual([
      {
        writer: 'cron',
        where: '/etc/q:2',
        what: `runs ${CALL} at noon`,
        tunable: 'channels',
        matches: 'yes',
        remedy: 'wait',
        value: '2',
      },
    ])
  })

  test('of what does not run by itself are possibilities, with the reason', () => {
    const system = systemWith({})
    const script = { path: `${system.paths.root}/etc/q`, text: CALL }
    const options = { writer: 'cron', when: 'at noon', remedy: 'wait', inactive: 'it is masked' }
    expect(scriptFindings(system, NIC, script, options)).toMatchObject([
      { what: `runs ${CALL} at noon (it is masked)`, matches: 'maybe' },
    ])
  })

  test('are in the script that it calls, by a path of the guest', () => {
    const system = systemWith({ '/opt/b': `\n\n${CALL}\n` })
    const script = { path: `${system.paths.root}/etc/q`, text: '/opt/b' }
    const remedy = ({ path, line }: { path: string; line: number }) => `${path}, ${line}`
    expect(scriptFindings(system, NIC, script, { writer: 'cron', when: 'at noon', remedy })).toMatchObject([
      { where: '/opt/b:3', remedy: '/opt/b, 3' },
    ])
    expect(opener(system)('/opt/b')).toBe(`\n\n${CALL}\n`)
    expect(opener(system)('/opt/c')).toBeUndefined()
  })
})

describe('a file that is run only if it is executable', () => {
  const found = (mode: number, more: { off?: string; notRun?: string } = {}) => {
    const system = systemWith({ '/etc/q': CALL })
    const path = `${system.paths.root}/etc/q`
    chmodSync(path, mode)
    const options = { writer: 'cron', when: 'at noon', ...more }
    return executableFindings(system, NIC, { path, text: CALL }, options).map(
      ({ matches, what, remedy }) => `${matches}: ${what} -> ${remedy}`,
    )
  }
  const remedy = 'remove line 1 of /etc/q, or run chmod -x /etc/q'

  test.each([
    [0o755, {}, `yes: runs ${CALL} at noon`],
    [0o100, {}, `yes: runs ${CALL} at noon`],
    [0o644, {}, `maybe: runs ${CALL} at noon (it is not executable, so it is not run)`],
    [0o644, { notRun: 'so it sleeps' }, `maybe: runs ${CALL} at noon (it is not executable, so it sleeps)`],
    [0o644, { off: 'it is masked' }, `maybe: runs ${CALL} at noon (it is masked)`],
    [0o755, { off: 'it is masked' }, `maybe: runs ${CALL} at noon (it is masked)`],
  ])('mode %o, %j', (mode, more, expected) => {
    expect(found(mode, more)).toEqual([`${expected} -> ${remedy}`])
  })

  test('one whose mode cannot be known counts', () => {
    const system = systemWith({})
    const stat = () => {
      throw new Error('EACCES')
    }
    expect(isExecutable(system, `${system.paths.root}/gone`)).toBe(true)
    expect(isExecutable(Object.assign(Object.create(system), { stat }), '/x')).toBe(true)
  })
})

test('scripts of a directory are no backups and not hidden', () => {
  const others = ['b~', 'b.bak', 'b.orig', 'b.rpmsave', 'b.rpmnew', 'b.dpkg-old', 'b.swp', 'b.disabled', '.b']
  const names = ['a', 'a.sh', '10-bak', 'a.bak.sh', ...others]
  const system = systemWith(Object.fromEntries(names.map((name) => [`/etc/d/${name}`, ''])))
  const directory = `${system.paths.root}/etc/d`
  expect([...scriptsIn(system, directory)].sort()).toEqual(
    ['10-bak', 'a', 'a.bak.sh', 'a.sh'].map((name) => `${directory}/${name}`),
  )
  expect(scriptsIn(system, `${directory}/none`)).toEqual([])
  expect(scriptsIn(systemFailing('EACCES'), '/t')).toEqual([])
})
