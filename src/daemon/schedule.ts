/** The periodic jobs: cron expressions in local time, each with a delay of this guest so that a fleet does not run in lockstep. */
import { type ScheduledTask, schedule, validate } from 'node-cron'
import type { DaemonSettings } from '../config/settings'
import { VqtuneError } from '../errors'
import { type Clock, systemClock } from './clock'

export interface Schedule {
  stop(): void
}

interface Jobs {
  readonly check: () => void
  readonly report: () => void
}

/** How often a step of the clock is checked for, and from what size on it counts as one rather than as slewing. */
const CLOCK_LOOK_MS = 60_000
const CLOCK_JUMP_MS = 30_000

/**
 * How much later than its cron expression a job of this guest runs, milliseconds below `jitterSeconds`. Drawn once for a
 * schedule, not for each run: so checks keep their distance, where two delays of chance could be twice as far apart.
 * @param random evenly distributed from 0 to below 1
 */
export function drawDelayMs(jitterSeconds: number, random: () => number = Math.random): number {
  return Math.floor(random() * jitterSeconds * 1000)
}

/** @throws VqtuneError kind config when an expression is not valid; nothing is started then */
export function startSchedule(
  settings: DaemonSettings,
  jobs: Jobs,
  clock: Clock = systemClock,
  clockLookMs = CLOCK_LOOK_MS,
): Schedule {
  const { checkCron, reportCron, jitterSeconds } = settings
  checkExpression('check-cron', checkCron)
  if (reportCron !== undefined) checkExpression('report-cron', reportCron)
  const waiting = new Set<NodeJS.Timeout>()
  const delayed = (job: () => void): (() => void) => {
    const delayMs = drawDelayMs(jitterSeconds)
    return () => {
      const timer = setTimeout(() => {
        waiting.delete(timer)
        job()
      }, delayMs)
      waiting.add(timer)
    }
  }
  const planned = [{ cron: checkCron, run: delayed(jobs.check) }]
  if (reportCron !== undefined) planned.push({ cron: reportCron, run: delayed(jobs.report) })
  // A run that was missed while the guest was stopped or its clock jumped is dropped: every check is a full one.
  const start = (): ScheduledTask[] =>
    planned.map(({ cron, run }) => schedule(cron, run, { suppressMissedWarning: true }))
  let tasks = start()
  const stop = (): void => {
    for (const task of tasks) void task.destroy()
    for (const timer of waiting) clearTimeout(timer)
    waiting.clear()
  }
  // A timer fires at the time that was next when it was set: after the clock was set back by a day it would wait for a
  // day. After the guest was suspended, which looks the same, a check is needed, too.
  const skew = (): number => clock.wall() - clock.uptime()
  let known = skew()
  const watch = setInterval(() => {
    const before = known
    known = skew()
    if (Math.abs(known - before) < CLOCK_JUMP_MS) return
    stop()
    tasks = start()
    jobs.check()
  }, clockLookMs)
  return {
    stop: () => {
      clearInterval(watch)
      stop()
    },
  }
}

function checkExpression(key: string, expression: string): void {
  if (validate(expression)) return
  throw new VqtuneError(
    'config',
    `daemon.${key} = ${JSON.stringify(expression)}: not a cron expression; expected minute hour day month weekday`,
  )
}
