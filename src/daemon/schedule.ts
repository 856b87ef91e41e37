/** The periodic jobs: cron expressions in local time, with a random delay so that a fleet does not run in lockstep. */
import { type ScheduledTask, schedule, type TaskOptions, validate } from 'node-cron'
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
  // A run that was missed while the guest was stopped or its clock jumped is dropped: every check is a full one.
  const options: TaskOptions = { maxRandomDelay: jitterSeconds * 1000, suppressMissedWarning: true }
  const start = (): ScheduledTask[] => [
    schedule(checkCron, jobs.check, options),
    ...(reportCron === undefined ? [] : [schedule(reportCron, jobs.report, options)]),
  ]
  let tasks = start()
  const stop = (): void => {
    for (const task of tasks) void task.destroy()
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
