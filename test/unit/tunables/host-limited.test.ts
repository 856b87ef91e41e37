import { expect, it } from 'vitest'
import { isLimitedByHost } from '../../../src/tunables/host-limited'
import { nicOf } from '../../support/simulated-kernel'

it.each([
  ['fewer than usable vCPUs', 3, [0, 1, 2, 3], true],
  ['as many', 4, [0, 1, 2, 3], false],
  ['more', 8, [0, 1, 2, 3], false],
  ['as many as vCPUs that are not isolated', 2, [0, 1], false],
  ['unknown', undefined, [0, 1, 2, 3], false],
])('queue pairs that the host offers: %s', (_, maximum, usable, isLimited) => {
  const nic = { ...nicOf({ ifindex: 2, maximum: 4 }, usable), channels: { current: 1, maximum } }
  expect(isLimitedByHost({ nic, usable })).toBe(isLimited)
})
