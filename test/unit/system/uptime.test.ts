import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { uptimeMs } from '../../../src/system/uptime'

it('is what the kernel calls CLOCK_MONOTONIC: whole milliseconds since boot, that only grow', () => {
  const before = uptimeMs()
  // Counts sleep as well, so it is never behind.
  const sinceBootMs = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1_000
  const after = uptimeMs()
  expect(Number.isInteger(before)).toBe(true)
  expect(before).toBeGreaterThan(0)
  expect(before).toBeLessThanOrEqual(sinceBootMs + 20)
  expect(after).toBeGreaterThanOrEqual(before)
})
