/** The daemon's log and counts of what the tuner does: one line for each change, a trouble once. */

import { type ConnectivityLoss, describeLoss } from '../confirm/confirm'
import type { DriftRecord } from '../drift/history'
import type { GuardEvents } from '../guard/guard'
import { describeStep } from '../output/describe'
import type { StepOutcome } from '../planner/reconcile'
import { operand } from '../text/escape'
import type { Logger } from './logger'
import { DaemonCounters } from './metrics'
import type { ReconcileEvents } from './reconcile-loop'

/** Records of drift that status shows. */
const RECENT = 5

export class DaemonLog implements ReconcileEvents, GuardEvents {
  readonly counters = new DaemonCounters()
  private readonly problems = new Map<string, string>()

  /** @param recent drift from before, oldest first; of it and of what comes the newest few are kept */
  constructor(
    private readonly log: Logger,
    private recent: readonly DriftRecord[],
  ) {}

  /** What goes wrong now. */
  get currentProblems(): readonly string[] {
    return [...this.problems.values()]
  }

  get recentDrift(): readonly DriftRecord[] {
    return this.recent.slice(-RECENT)
  }

  drift(record: DriftRecord): void {
    this.counters.countDrift(record)
    this.recent = [...this.recentDrift, record]
    const { nic, kind, writer, action, why } = record
    const where = nic === null ? '' : `${nic}: `
    const by = writer === 'unknown' ? 'an unknown writer' : writer
    const end = why === '' ? action : `${action}: ${why}`
    const text = `${where}${kind} ${record.old} -> ${record.new} by ${by} (${record.evidence}); ${end}`
    if (action === 'failed' || action === 'backed-off') this.log.warn(record, text)
    else this.log.info(record, text)
  }

  write({ step, result, why }: StepOutcome): void {
    this.counters.countWrite(result)
    const fields = {
      nic: step.nic,
      setting: step.tunable,
      key: step.key,
      old: step.old,
      new: step.new,
      reason: step.reason,
    }
    const text = `${describeStep(step)} (${step.reason})`
    if (result === 'done') this.log.info(fields, text)
    // A failed write is tried again; the reconcile tells once when it stays that way.
    else this.log.debug({ ...fields, result, why }, `${text}: ${result}: ${why}`)
  }

  conflict: ReconcileEvents['conflict'] = (nic, otherWriter, { reversals, awaySeconds }) => {
    this.counters.countConflictBackoff(nic)
    const who = otherWriter.name === 'unknown' ? 'an unknown writer' : otherWriter.name
    this.log.warn(
      { nic, otherWriter: otherWriter.name, evidence: otherWriter.evidence, awaySeconds },
      `${nic}: ${who} reversed its settings ${reversals} times (${otherWriter.evidence}); left alone for ${awaySeconds} s`,
    )
  }

  reverted(lost: ConnectivityLoss): void {
    if (lost.failure === undefined) this.counters.countRevert(lost.nic)
    this.log.warn({ ...lost }, describeLoss(lost))
  }

  verdict: GuardEvents['verdict'] = (judged) => {
    const { nic, verdict, from, to, why } = judged
    if (verdict === 'guard-reduced') {
      this.counters.countGuardReduction(nic)
      const text = `${nic}: stepped back by the guard, ${from} -> ${to} channels: ${why}; ${from} is not tried again until conditions change, or vqtune apply ${operand(nic)}`
      this.log.warn({ ...judged }, text)
    } else {
      const word = verdict === 'kept' ? 'kept by the guard' : 'not judged by the guard'
      this.log.info({ ...judged }, `${nic}: ${to} -> ${from} channels ${word}: ${why}`)
    }
  }

  /** A trouble is told when it begins, when it becomes another, and when it is over (undefined); never twice. */
  problem(topic: string, text: string | undefined): void {
    if ((topic === 'reconcile' || topic === 'pass') && text !== undefined) this.counters.countFailure()
    const known = this.problems.get(topic)
    if (known === text) return
    if (text === undefined) {
      this.problems.delete(topic)
      this.log.info({ topic }, `over: ${known}`)
    } else {
      this.problems.set(topic, text)
      this.log.warn({ topic }, text)
    }
  }
}
