/**
 * Who ran ethtool, by the log of auditd: root's own evidence. With a rule for ethtool each run is there; without one those by
 * sudo are, which records its commands itself. Read only when a setting has changed, and no more than its end.
 */
import type { TunableName } from '../model'
import { readNewestLines } from '../system/line-log'
import { ownershipProblem } from '../system/ownership'
import type { System } from '../system/system'
import { escapeToOneLine } from '../text/escape'
import { type AuditedCommand, firstTime, parseAuditRecords } from './audit-records'
import { commandOf, parentOf, type RunningTool, setsBy, writerOf } from './process-scan'

/** A command of the log, and what started it, if that still runs. */
export interface AuditedRun extends AuditedCommand {
  readonly parent: RunningTool['parent']
}

/** A minute of a busy audit log. */
const NEWEST_BYTES = 512 * 1024

/**
 * Runs of ethtool later than `since`, oldest first; empty without auditd, or for a log that others may write.
 * @param ownPid its children are ours
 */
export function readAuditedRuns(system: System, ownPid: number, since: number): readonly AuditedRun[] {
  return parseAuditRecords(newestRecords(system, since))
    .filter(({ at, parentPid, pid }) => at >= since && parentPid !== ownPid && pid !== ownPid)
    .map((command) => ({
      ...command,
      parent: command.parentPid === undefined ? undefined : parentOf(system, command.parentPid),
    }))
}

/** With the end of the log before it, if auditd has just begun a new one. */
function newestRecords(system: System, since: number): string {
  const { log } = system.paths.writers.audit
  const text = endOf(system, log)
  return (firstTime(text) ?? 0) > since ? endOf(system, `${log}.1`) + text : text
}

function endOf(system: System, path: string): string {
  try {
    if (!system.exists(path) || ownershipProblem(system, path) !== undefined) return ''
    return readNewestLines(path, NEWEST_BYTES)
  } catch {
    // Not for this user, or not in this sandbox.
    return ''
  }
}

/** The last run that can have written this. @param pid as the kernel noted it, if it did. Pure. */
export function auditedWriter(
  runs: readonly AuditedRun[],
  tunable: TunableName,
  drift: { readonly nic: string | undefined; readonly new: string },
  pid: number | undefined,
): { readonly name: string; readonly evidence: string } | undefined {
  const last = runs.findLast(
    (run) =>
      setsBy(run.args, tunable, drift) && (pid === undefined || run.pid === undefined || run.pid === pid),
  )
  if (last === undefined) return undefined
  const { args, parent, user, loginUid, terminal } = last
  const more = [
    last.pid === undefined ? 'by sudo' : `pid ${last.pid}`,
    ...(parent === undefined ? [] : [`started by ${parent.name} ${parent.pid}`]),
    ...(user === undefined ? [] : [`user ${user}`]),
    ...(loginUid === undefined ? [] : [`login uid ${loginUid}`]),
    ...(terminal === undefined ? [] : [`terminal ${terminal}`]),
  ]
  return {
    name: writerOf({ name: 'ethtool', parent }),
    evidence: escapeToOneLine(`${commandOf({ name: 'ethtool', args })} (${more.join(', ')}) ${IN_LOG}`),
  }
}

const IN_LOG = 'is in the audit log'
const EVIDENCE = new RegExp(
  `^(.+) \\((?:pid (\\d+)|by sudo)(?:, started by \\S+ \\d+)?(?:, user ([^,]+))?(?:, login uid (\\d+))?(?:, terminal [^,]+)?\\) ${IN_LOG}`,
)

/** Parses the evidence of auditedWriter; undefined for any other. `who`: the user's name, or uid. Pure. */
export function toldByAudit(
  evidence: string,
):
  | { readonly command: string; readonly pid: number | undefined; readonly who: string | undefined }
  | undefined {
  const [, command, pid, user, uid] = EVIDENCE.exec(evidence) ?? []
  if (command === undefined) return undefined
  return {
    command,
    pid: pid === undefined ? undefined : Number(pid),
    who: user ?? (uid === undefined ? undefined : `uid ${uid}`),
  }
}
