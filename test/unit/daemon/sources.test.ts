import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { DEFAULT_SETTINGS } from '../../../src/config/settings'
import { Debounced } from '../../../src/daemon/debounce'
import { Monitor } from '../../../src/daemon/monitor'
import { startSchedule } from '../../../src/daemon/schedule'
import { openSystem } from '../../../src/system/system'
import { until } from '../../support/until'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vqtune-sources-'))
  mkdirSync(`${root}/usr/bin`, { recursive: true })
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(root, { recursive: true, force: true })
})

describe('Monitor', () => {
  function install(script: string): void {
    writeFileSync(`${root}/usr/bin/monitor`, `#!/bin/sh\n${script}\n`)
    chmodSync(`${root}/usr/bin/monitor`, 0o755)
  }
  function watch(): { monitor: Monitor; told: string[] } {
    const told: string[] = []
    const monitor = new Monitor(
      openSystem(root),
      { name: 'm', tool: 'monitor', args: ['-x'], pauseMs: 20 },
      {
        onLine: (line) => void told.push(`line ${line}`),
        onDown: (why) => void told.push(`down ${why}`),
        onUp: (first) => void (first || told.push('up')),
      },
    )
    monitor.start()
    return { monitor, told }
  }

  it('hands on lines as they come and ends the program when stopped', async () => {
    install('echo "$1"; echo; echo two; exec sleep infinity')
    const { monitor, told } = watch()
    await until(() => told.length === 2)
    expect(told).toEqual(['line -x', 'line two'])
    expect(monitor.view).toEqual({ name: 'm', state: 'up', why: null })
    await monitor.stop()
    expect(told).toHaveLength(2)
  })

  it('tells one outage once, however often the program fails, and its end', async () => {
    const starts = `${root}/starts`
    install(`echo >>${starts}; echo broken >&2; exit 3`)
    const { monitor, told } = watch()
    await until(() => existsSync(starts) && readFileSync(starts, 'utf8').length > 3)
    expect(told).toEqual(['down monitor ended (exit status 3): broken'])
    install('echo back; exec sleep infinity')
    await until(() => told.length === 3)
    expect(told.slice(1)).toEqual(['up', 'line back'])
    await monitor.stop()
  })

  it('tells of a missing program, and starts it once it is there', async () => {
    const { monitor, told } = watch()
    await until(() => told.length > 0)
    expect(told).toEqual(['down monitor is not installed'])
    expect(monitor.view).toEqual({ name: 'm', state: 'down', why: 'monitor is not installed' })
    install('echo here; exec sleep infinity')
    await until(() => monitor.view.state === 'up')
    await monitor.stop()
  })

  it('tells of a program that was killed', async () => {
    install('kill -9 $$')
    const { monitor, told } = watch()
    await until(() => told.length > 0)
    expect(told).toEqual(['down monitor ended (signal SIGKILL)'])
    await monitor.stop()
  })
})

describe('Debounced', () => {
  beforeEach(() => void vi.useFakeTimers())
  const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

  it('makes one run of many events, with each reason once', async () => {
    const runs: (readonly string[])[] = []
    const debounced = new Debounced(30, async (reasons) => void runs.push(reasons))
    for (let i = 0; i < 50; i++) debounced.trigger(i % 2 === 0 ? 'a' : 'b')
    await vi.advanceTimersByTimeAsync(29)
    expect(runs).toEqual([])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(runs).toEqual([['a', 'b']])
  })

  it('runs in spite of events without end, never twice at a time, and once more for one during a run', async () => {
    let running = 0
    let runs = 0
    let most = 0
    const debounced = new Debounced(10, async () => {
      most = Math.max(most, ++running)
      await pause(30)
      running--
      runs++
    })
    for (let i = 0; i < 60; i++) {
      debounced.trigger('storm')
      await vi.advanceTimersByTimeAsync(5)
    }
    // 300 ms: one begins when the storm has gone on for ten times 10 ms, the next as long after the first was over.
    expect(runs).toBe(2)
    await vi.advanceTimersByTimeAsync(1_000)
    expect({ runs, running, most }).toEqual({ runs: 3, running: 0, most: 1 })
  })

  it('waits for the run that goes on and starts none after close', async () => {
    let done = false
    let runs = 0
    const debounced = new Debounced(1, async () => {
      runs++
      await pause(50)
      done = true
    })
    debounced.trigger('x')
    await vi.advanceTimersByTimeAsync(1)
    expect({ runs, done }).toEqual({ runs: 1, done: false })
    debounced.trigger('y')
    await Promise.all([debounced.close(), vi.advanceTimersByTimeAsync(50)])
    expect(done).toBe(true)
    debounced.trigger('z')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(runs).toBe(1)
  })
})

describe('startSchedule', () => {
  it('names the key of an expression that is none', () => {
    const jobs = { check: () => {}, report: () => {} }
    const { daemon } = DEFAULT_SETTINGS
    expect(() => startSchedule({ ...daemon, checkCron: '61 * * * *' }, jobs)).toThrow(
      'daemon.check-cron = "61 * * * *": not a cron expression',
    )
    expect(() => startSchedule({ ...daemon, reportCron: 'daily' }, jobs)).toThrow(
      /daemon\.report-cron = "daily"/,
    )
  })

  it('runs the check when it is due', async () => {
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

  it('checks at once and goes on when the clock was set, in either direction', async () => {
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
})
