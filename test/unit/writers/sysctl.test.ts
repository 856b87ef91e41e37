import { expect, test } from 'vitest'
import { sysctl } from '../../../src/writers/sysctl'
import { foundBy, testFixture } from '../../support/writers'

test.each([
  ['net.core.rps_default_mask = f', 'f'],
  ['net/core/rps_default_mask=00000000,0000000f', '00000000,0000000f'],
  // With a minus, a failure is no error; see sysctl.d(5).
  [' -net.core.rps_default_mask=3 ', '3'],
  ['net.core.rps_default_mask = 0', undefined],
  ['net.core.rps_default_mask = 00000000,00000000', undefined],
  ['net.core.rps_default_mask =', undefined],
  ['; net.core.rps_default_mask = f', undefined],
  ['net.core.rps_default_mask_x = f', undefined],
])('%j sets %s', (line, value) => {
  const found = foundBy(sysctl, { '/etc/sysctl.d/q.conf': `\n${line}\n` })
  expect(found.map(({ where, what }) => `${where} ${what}`)).toEqual(
    value === undefined
      ? []
      : [`/etc/sysctl.d/q.conf:2 net.core.rps_default_mask = ${value} is the RPS of NICs that appear`],
  )
})

test('sysctl.conf counts, a file of sysctl.d that another hides does not', () => {
  const line = 'net.core.rps_default_mask = f\n'
  const files = { '/etc/sysctl.conf': line, '/etc/sysctl.d/q.conf': '', '/usr/lib/sysctl.d/q.conf': line }
  expect(foundBy(sysctl, files)).toMatchObject([
    {
      where: '/etc/sysctl.conf:1',
      matches: 'maybe',
      remedy: 'remove the line of /etc/sysctl.conf:1, then sysctl -w net.core.rps_default_mask=0',
    },
  ])
})

testFixture(sysctl)
