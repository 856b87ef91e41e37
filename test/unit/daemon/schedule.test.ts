/**
 * What a schedule does; and a fleet that booted in the same minute, simulated: when its periodic checks run. The times of the cron expression are
 * node-cron's, the delay is what startSchedule draws for each guest. The first pass of a daemon is not among them: it tunes
 * at boot, when the guest boots. Nor are scrapes: Prometheus spreads those over the scrape interval itself, by a hash of the
 * target's labels (Target.offset in its scrape/target.go).
 */
import { createTask } from 'node-cron'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { DEFAULT_SETTINGS } from '../../../src/config/settings'
import { drawDelayMs, startSchedule } from '../../../src/daemon/schedule'
import { evenNumbers } from '../../support/even-numbers'

const GUESTS = 10_000
const HOURS = 4
/** After the boot, until each guest has had a first periodic check. */
const RAMP_MS = 600_000
const END_MS = RAMP_MS + HOURS * 3_600_000

/** Milliseconds since the fleet began to boot, which takes a minute, of each periodic check. */
function checksOf(jitterSeconds: number): number[] {
  const random = evenNumbers(1)
  vi.useFakeTimers({ now: 0, toFake: ['Date'] })
  try {
    const task = createTask(DEFAULT_SETTINGS.daemon.checkCron, () => {})
    // Whoever boots within this minute, at whatever second, has these runs before it.
    const due = task.getNextRuns(12 * (HOURS + 1)).map((at) => at.getTime())
    return Array.from({ length: GUESTS }, () => drawDelayMs(jitterSeconds, random)).flatMap((delayMs) =>
      due.map((at) => at + delayMs),
    )
  } finally {
    vi.useRealTimers()
  }
}

/** The busiest bin over the mean of all, after the ramp. */
function peakToMean(times: readonly number[], binMs: number): number {
  const bins = new Array<number>(Math.ceil((END_MS - RAMP_MS) / binMs)).fill(0)
  for (const at of times) {
    const bin = Math.floor((at - RAMP_MS) / binMs)
    if (at >= RAMP_MS && at < END_MS) bins[bin] = (bins[bin] ?? 0) + 1
  }
  const mean = bins.reduce((sum, count) => sum + count, 0) / bins.length
  return Math.max(...bins) / mean
}

describe('periodic checks of 10,000 guests that booted in the same minute', () => {
  const { daemon } = DEFAULT_SETTINGS

  test.each([
    ['minute', 60_000, 1.1],
    ['second', 1_000, 2],
  ])('the busiest %s has no more than its share', (_, binMs, most) => {
    expect(peakToMean(checksOf(daemon.jitterSeconds), binMs)).toBeLessThanOrEqual(most)
  })

  test('with a jitter of a minute, all of them would run in one minute of five', () => {
    expect(peakToMean(checksOf(60), 60_000)).toBeCloseTo(5)
  })

  test('none is lost: each guest checks every five minutes', () => {
    const times = checksOf(daemon.jitterSeconds).filter((at) => at >= RAMP_MS && at < END_MS)
    expect(times.length).toBe(GUESTS * HOURS * 12)
  })
})

describe('a schedule', () => {
  afterEach(() => void vi.useRealTimers())

  test('names the key of an expression that is none', () => {
    const jobs = { check: () => {}, report: () => {} }
    const { daemon } = DEFAULT_SETTINGS
    expect(() => startSchedule({ ...daemon, checkCron: '61 * * * *' }, jobs)).toThrow(
      'daemon.check-cron = "61 * * * *": not a cron expression',
    )
    expect(() => startSchedule({ ...daemon, reportCron: 'daily' }, jobs)).toThrow(
      /daemon\.report-cron = "daily"/,
    )
  })

  test('runs the check when it is due', async () => {
    vi.useFakeTimers({ now: 0 })
    let checks = 0
    const schedule = startSchedule(
      { ...DEFAULT_SETTINGS.daemon, checkCron: '* * * * * *', reportCron: undefined, jitterSeconds: 0 },
      { check: () => void checks++, report: () => {} },
    )
    await vi.advanceTimersByTimeAsync(2_500)
    expect(checks).toBe(2)
    schedule.stop()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(checks).toBe(2)
  })

  test('checks at once and goes on when the clock was set, in either direction', async () => {
    vi.useFakeTimers()
    let wall = 0
    let checks = 0
    const clock = { wall: () => wall, uptime: () => 0 }
    const schedule = startSchedule(
      { ...DEFAULT_SETTINGS.daemon, checkCron: '0 0 1 1 *', jitterSeconds: 0 },
      { check: () => void checks++, report: () => {} },
      clock,
      10,
    )
    // Slow drift is no jump.
    for (wall = 0; wall < 100_000; wall += 10_000) await vi.advanceTimersByTimeAsync(10)
    expect(checks).toBe(0)
    for (const [before, jump] of [86_400_000, -86_400_000].entries()) {
      wall += jump
      await vi.advanceTimersByTimeAsync(30)
      expect(checks).toBe(before + 1)
    }
    schedule.stop()
    wall += 86_400_000
    await vi.advanceTimersByTimeAsync(1_000)
    expect(checks).toBe(2)
  })

  test('runs its jobs as late as was drawn, every time, and none after it was stopped', async () => {
    vi.useFakeTimers({ now: 0 })
    const draw = vi.spyOn(Math, 'random').mockReturnValueOnce(0.5).mockReturnValueOnce(0.25)
    try {
      const ran: string[] = []
      const note = (what: string) => () => void ran.push(`${what} ${Date.now() / 1000}`)
      const settings = { ...DEFAULT_SETTINGS.daemon, reportCron: '*/10 * * * *' }
      // Its own clocks, else each step of the test's looks like a jump of the wall clock.
      const clock = { wall: Date.now, uptime: Date.now }
      const schedule = startSchedule(settings, { check: note('check'), report: note('report') }, clock)
      await vi.advanceTimersByTimeAsync(1_100_000)
      expect(ran).toEqual(['check 450', 'report 675', 'check 750', 'check 1050'])
      // One waits for its delay.
      await vi.advanceTimersByTimeAsync(110_000)
      schedule.stop()
      await vi.advanceTimersByTimeAsync(1_000_000)
      expect(ran.length).toBe(4)
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      draw.mockRestore()
      vi.useRealTimers()
    }
  })
})

test('a delay is drawn evenly from nothing to below the jitter', () => {
  expect([0, 0.5, 0.9999999].map((random) => drawDelayMs(300, () => random))).toEqual([0, 150_000, 299_999])
  expect(drawDelayMs(0, () => 0.9)).toBe(0)
})
