/** The periodic jobs: cron expressions in local time, each run put off by chance so that a fleet does not tick together. */
import { schedule, type TaskOptions, validate } from 'node-cron'
import type { DaemonSettings } from '../config/settings'
import { VqtuneError } from '../errors'

export interface Schedule {
  stop(): void
}

interface Jobs {
  readonly check: () => void
  readonly report: () => void
}

/** @throws VqtuneError kind config when an expression is not valid; nothing is started then */
export function startSchedule(settings: DaemonSettings, jobs: Jobs): Schedule {
  const { checkCron, reportCron, jitterSeconds } = settings
  checkExpression('check-cron', checkCron)
  if (reportCron !== undefined) checkExpression('report-cron', reportCron)
  // Missed while the guest was stopped or its clock jumped: the next one comes, and a check is always a full one.
  const options: TaskOptions = { maxRandomDelay: jitterSeconds * 1000, suppressMissedWarning: true }
  const tasks = [schedule(checkCron, jobs.check, options)]
  if (reportCron !== undefined) tasks.push(schedule(reportCron, jobs.report, options))
  return {
    stop: () => {
      for (const task of tasks) void task.destroy()
    },
  }
}

function checkExpression(key: string, expression: string): void {
  if (validate(expression)) return
  throw new VqtuneError(
    'config',
    `daemon.${key} = ${JSON.stringify(expression)}: not a cron expression; allowed is minute hour day month weekday`,
  )
}
