import { expect, test } from 'vitest'
import { barredBy, stillTrue, withFailure } from '../../../src/guard/memory'
import { guestOf, nicOf } from '../../support/simulated-kernel'

const ONLINE = [0, 1, 2, 3]
const nic = nicOf({ ifindex: 2, maximum: 4 }, ONLINE)
const guest = guestOf(ONLINE, [nic])
const memory = withFailure([], guest, nic, 'slow', '2026-01-01T00:00:00Z')

test('a failed count is barred, others are not', () => {
  expect(barredBy(memory, nic, 4)?.why).toBe('slow')
  expect(barredBy(memory, nic, 2)).toBeUndefined()
  expect(barredBy(memory, { ...nic, ifindex: 3 }, 4)).toBeUndefined()
})

test('the same failure is remembered once', () => {
  expect(withFailure(memory, guest, nic, 'slow again', '2026-01-02T00:00:00Z')).toEqual([
    { ...memory[0], why: 'slow again', at: '2026-01-02T00:00:00Z' },
  ])
})

test('it is forgotten when vCPUs, maximum or the NIC change, and only then', () => {
  expect(stillTrue(memory, guest)).toEqual(memory)
  expect(
    stillTrue(memory, guestOf(ONLINE, [{ ...nic, channels: { current: 2, maximum: undefined } }])),
  ).toEqual(memory)
  expect(stillTrue(memory, guestOf([0, 1, 2], [nic]))).toEqual([])
  expect(stillTrue(memory, guestOf(ONLINE, [{ ...nic, channels: { current: 4, maximum: 8 } }]))).toEqual([])
  expect(stillTrue(memory, guestOf(ONLINE, []))).toEqual([])
})
