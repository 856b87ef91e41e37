import { expect, test } from 'vitest'
import { agreesWith } from '../../../src/writers/agreement'
import type { Writer } from '../../../src/writers/writer'

const writer = (more: Partial<Writer>): Writer => ({
  writer: 'cron',
  where: '/etc/crontab:1',
  what: 'x',
  tunable: 'channels',
  matches: 'yes',
  remedy: 'x',
  ...more,
})

test.each([
  ['4', 4, true],
  ['2', 4, false],
  ['max', 4, true],
  ['max', undefined, undefined],
  ['vcpus', 4, true],
  ['vcpus', undefined, false],
] as const)('a writer of %s channels, with a maximum of %s: agrees %s with 4', (value, maximum, agrees) => {
  expect(agreesWith(writer({ value }), { target: 4, maximum, vcpus: 8 })).toBe(agrees)
})

test('nothing is known of a writer without a value, or of something else', () => {
  const wanted = { target: 4, maximum: 4, vcpus: 4 }
  expect(agreesWith(writer({}), wanted)).toBeUndefined()
  expect(agreesWith(writer({ tunable: 'xps', value: '4' }), wanted)).toBeUndefined()
})
