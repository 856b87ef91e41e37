import { createRequire } from 'node:module'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { randomUUID } from '../../../packaging/lean/crypto'
import { LocalDateTimeFormat } from '../../../packaging/lean/local-date-time-format'

const require = createRequire(import.meta.url)

/** What node-cron asks Intl.DateTimeFormat for. */
const PARTS: Intl.DateTimeFormatOptions = {
  ...{ year: 'numeric', month: '2-digit', day: '2-digit', weekday: 'short' },
  ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false },
}
const OFFSET: Intl.DateTimeFormatOptions = { timeZoneName: 'shortOffset' }
/** With summer time in either half of the year, of half an hour, offsets of quarters, either side of the date line. */
const ZONES = [
  ...['UTC', 'Europe/Berlin', 'Europe/London', 'America/New_York', 'America/St_Johns', 'Asia/Kathmandu'],
  ...['Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Apia', 'Pacific/Marquesas', 'Etc/GMT+12'],
]

let zone: string | undefined
beforeEach(() => {
  zone = process.env.TZ
})
afterEach(() => {
  if (zone === undefined) delete process.env.TZ
  else process.env.TZ = zone
})

/** Without what stands between them. */
function parts(format: { formatToParts(date: Date): { type: string; value: string }[] }, date: Date) {
  return new Map(
    format.formatToParts(date).flatMap(({ type, value }) => (type === 'literal' ? [] : [[type, value]])),
  )
}

test('the local time is what Intl says, in every zone, also around the change to summer time and back', () => {
  for (const name of ZONES) {
    process.env.TZ = name
    const [real, realOffset] = [PARTS, OFFSET].map((options) => new Intl.DateTimeFormat('en-US', options))
    const [own, ownOffset] = [PARTS, OFFSET].map((options) => new LocalDateTimeFormat('en-US', options))
    if (!real || !realOffset || !own || !ownOffset) throw new Error('no formats')
    const check = (ms: number): void => {
      const date = new Date(ms)
      const expected = parts(real, date)
      // Midnight is 24 there; node-cron takes either.
      if (expected.get('hour') === '24') expected.set('hour', '00')
      expect(parts(own, date)).toEqual(expected)
      // Some versions of ICU say GMT+0; node-cron takes either, too.
      const offset = parts(realOffset, date)
        .get('timeZoneName')
        ?.replace(/^GMT\+0$/, 'GMT')
      expect(parts(ownOffset, date).get('timeZoneName')).toBe(offset)
    }
    const start = Date.UTC(2026, 0, 1)
    for (let hour = 0; hour < 366 * 24; hour++) check(start + hour * 3_600_000)
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(1980, 0, 1), max: Date.UTC(2100, 0, 1) }), (ms) => check(ms)),
      { numRuns: 200 },
    )
  }
})

test('another time zone than the local one is an error', () => {
  expect(() => new LocalDateTimeFormat('en-US', { timeZone: 'Asia/Tokyo' })).toThrow(
    'no time zone but the local one: Asia/Tokyo',
  )
})

test('names of tasks differ', () => {
  expect(new Set(Array.from({ length: 100 }, randomUUID)).size).toBe(100)
})

test('a stream that pino would make is an error', () => {
  const OwnStream = require('../../../packaging/lean/own-stream.cjs')
  expect(() => new OwnStream()).toThrow('the daemon logs to a stream of its own')
})
