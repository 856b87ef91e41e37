import { describe, expect, test } from 'vitest'
import { DEFAULT_SETTINGS } from '../../../src/config/settings'
import { checkJson, problemText, settingsText } from '../../../src/output/config-check'
import { expectSchema } from '../../support/schema'
import { nicOf } from '../../support/simulated-kernel'

const NIC = nicOf({ ifindex: 2, maximum: 2 }, [0, 1])
const SETTINGS = {
  ...DEFAULT_SETTINGS,
  rules: [{ match: {}, settings: { cap: 2 }, source: '/etc/vqtune/vqtune.toml:3' }],
}
const WHY = { why: 'not allowed' }

test('problems are one a line, with the place where there is one', () => {
  const problems = [
    { file: '/a', line: 2, text: 'x = 1: allowed is 2' },
    { file: '/b', line: undefined, text: 'no file' },
  ]
  expect(problemText(problems, false)).toBe('/a:2: x = 1: allowed is 2\n/b: no file\n2 problems\n')
  expect(problemText(problems.slice(0, 1), false)).toBe('/a:2: x = 1: allowed is 2\n1 problem\n')
})

describe('settings', () => {
  test.each([
    [
      [],
      [],
      'no configuration file: built-in defaults\nno problems\nno virtio-net NIC in this network namespace\n',
    ],
    [['/a', '/b'], WHY, 'read /a, /b\nno problems\nthe guest cannot be observed: not allowed\n'],
  ])('of %j, %j', (files, nics, text) => {
    expect(settingsText(files, SETTINGS, nics, [])).toBe(text)
    expect(settingsText(files, SETTINGS, nics, ['one', 'two'])).toBe(`${text}one\ntwo\n`)
  })

  test('of each NIC are shown with where they are from', () => {
    const rows = settingsText(['/a'], SETTINGS, [NIC], [])
      .split('\n')
      .map((line) => line.split(/ {2,}/))
    expect(rows.slice(0, 7)).toEqual([
      ['read /a'],
      ['no problems'],
      [''],
      ['NIC', 'KEY', 'VALUE', 'FROM'],
      ['eth2', 'enabled', 'true', 'built-in'],
      ['eth2', 'cap', '2', '/etc/vqtune/vqtune.toml:3'],
      ['eth2', 'channels', 'auto', 'built-in'],
    ])
  })
})

test('as JSON, with what each key allows', async () => {
  const json = JSON.parse(await checkJson(['/a'], [], SETTINGS, [NIC], ['note']))
  expectSchema('config-check', json)
  expect(json).toMatchObject({
    files: ['/a'],
    problems: [],
    nics: [
      {
        name: 'eth2',
        settings: { enabled: true, cap: 2, channels: null },
        from: { enabled: 'built-in', cap: '/etc/vqtune/vqtune.toml:3' },
      },
    ],
    notes: ['note'],
    unobserved: null,
  })
  const problem = { file: '/a', line: undefined, text: 'x' }
  const blind = JSON.parse(await checkJson([], [problem], SETTINGS, WHY, []))
  expectSchema('config-check', blind)
  expect(blind).toMatchObject({ nics: [], problems: [{ line: null }], unobserved: 'not allowed' })
})
