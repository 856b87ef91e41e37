import { expect, it } from 'vitest'
import { type Clock, systemClock, timeOfDay } from '../../../src/daemon/clock'
import { openSystem } from '../../../src/system/system'

const at = (wall: string, uptime: number): Clock => ({ wall: () => Date.parse(wall), uptime: () => uptime })

it('a moment since boot is a time of day, before or after now, to the nearest second', () => {
  const clock = at('2026-01-02T03:04:05.400Z', 60_000)
  expect(timeOfDay(clock, 60_000)).toBe('2026-01-02T03:04:05Z')
  expect(timeOfDay(clock, 60_100)).toBe('2026-01-02T03:04:06Z')
  expect(timeOfDay(clock, 3_660_000)).toBe('2026-01-02T04:04:05Z')
  expect(timeOfDay(clock, 0)).toBe('2026-01-02T03:03:05Z')
})

it('it follows the clock when that is set', () => {
  expect(timeOfDay(at('2027-01-01T00:00:00Z', 60_000), 61_000)).toBe('2027-01-01T00:00:01Z')
})

it('the clocks of the system are those of Date and of /proc/uptime', () => {
  expect(Math.abs(systemClock.wall() - Date.now())).toBeLessThan(5_000)
  const [seconds = ''] = (openSystem().readText('/proc/uptime') ?? '').split(' ')
  expect(Math.abs(systemClock.uptime() - Number(seconds) * 1000)).toBeLessThan(5_000)
})
