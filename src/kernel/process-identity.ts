/** Which process: a PID alone is given to another one sooner or later. */
import type { System } from '../system/system'

export interface ProcessIdentity {
  readonly pid: number
  /** Start time of the process as the kernel counts it; with PID and boot ID it identifies one process for good. */
  readonly startTicks: string
}

/** Start ticks are empty where procfs does not show this process, as in a captured tree. */
export function ownProcess(system: System): ProcessIdentity {
  return { pid: process.pid, startTicks: startTicksOf(system, process.pid) ?? '' }
}

export function isSameProcess(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.pid === b.pid && a.startTicks === b.startTicks
}

/** Whether that very process still exists, as far as this user may see. */
export function isRunning(system: System, { pid, startTicks }: ProcessIdentity): boolean {
  return startTicksOf(system, pid) === startTicks
}

/** undefined: there is no such process, or this user may not see it. */
export function startTicksOf(system: System, pid: number): string | undefined {
  try {
    return parseStartTicks(system.readText(`${system.paths.proc}/${pid}/stat`) ?? '')
  } catch {
    // The process ended between opening and reading.
    return undefined
  }
}

/** Field 22 of /proc/PID/stat. The second is the name in parentheses and may hold anything, also spaces and ')'. */
export function parseStartTicks(text: string): string | undefined {
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
}
