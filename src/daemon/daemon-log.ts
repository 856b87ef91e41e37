/** Logs and counts what the daemon's passes do: one line per NIC and pass, each problem once; details at debug. */

import { type ConnectivityLoss, describeLoss } from '../confirm/revert'
import type { DriftRecord } from '../drift/history'
import type { GuardEvents } from '../guard/guard'
import type { Asked } from '../irqbalance/ask'
import { describeAsked, describeReleased } from '../irqbalance/state'
import { irqsOf } from '../irqbalance/wanted'
import type { Step } from '../model'
import { describeStep } from '../planner/describe'
import type { StepOutcome } from '../planner/reconcile'
import { operand } from '../text/escape'
import { nounOf } from '../tunables/engine'
import type { Logger } from './logger'
import { DaemonCounters } from './metrics'
import { type Backoff, passLines } from './pass-lines'
import type { ReconcileEvents } from './reconcile-loop'

/** Drift records that status shows. */
const RECENT = 5

/** State of the current pass. */
interface Pass {
  readonly drifts: DriftRecord[]
  readonly outcomes: StepOutcome[]
  readonly backoffs: Backoff[]
  /** The failure of the reconcile, if it is news. */
  failure: string | undefined
}

function newPass(): Pass {
  return { drifts: [], outcomes: [], backoffs: [], failure: undefined }
}

export class DaemonLog implements ReconcileEvents, GuardEvents {
  readonly counters = new DaemonCounters()
  private readonly problems = new Map<string, string>()
  private pass = newPass()

  /** @param recent earlier drift, oldest first; the newest few records are kept */
  constructor(
    private readonly log: Logger,
    private recent: readonly DriftRecord[],
  ) {}

  /** Current problems. */
  get currentProblems(): readonly string[] {
    return [...this.problems.values()]
  }

  get recentDrift(): readonly DriftRecord[] {
    return this.recent.slice(-RECENT)
  }

  drift(record: DriftRecord): void {
    this.counters.countDrift(record)
    this.recent = [...this.recentDrift, record]
    this.pass.drifts.push(record)
    const { nic, kind, writer, action, why } = record
    const where = nic === null ? '' : `${nic}: `
    const by = writer === 'unknown' ? 'an unknown writer' : writer
    const end = why === '' ? action : `${action}: ${why}`
    this.log.debug(
      record,
      `${where}${kind} ${record.old} -> ${record.new} by ${by} (${record.evidence}); ${end}`,
    )
  }

  write(outcome: StepOutcome): void {
    const { step, result, why } = outcome
    this.counters.countWrite(result)
    this.pass.outcomes.push(outcome)
    // A failed write is retried; the reconcile reports it once if it persists.
    const end = why === undefined ? result : `${result}: ${why}`
    this.log.debug({ nic: step.nic, result }, `${describeStep(step)} (${step.reason}): ${end}`)
  }

  conflict: ReconcileEvents['conflict'] = (nic, otherWriter, { reversals, awaySeconds, earlier }) => {
    this.counters.countConflictBackoff(nic)
    const { name, evidence } = otherWriter
    this.pass.backoffs.push({ nic, otherWriter: name, evidence, reversals, awaySeconds, earlier })
  }

  /** A pass has ended. @param missing what is not as desired */
  endPass(missing: readonly Step[]): void {
    const { failure, ...events } = this.pass
    this.pass = newPass()
    const lines = passLines({ ...events, missing })
    for (const { level, text, fields } of lines) this.log[level](fields, text)
    const isTold = lines.some(({ failures }) => failures.includes(failure ?? ''))
    if (failure !== undefined && !isTold) this.log.warn({ topic: 'reconcile' }, failure)
  }

  irqbalance({ pid, added, released, nics }: Asked): void {
    const count = irqsOf(nics).length
    const fields = { irqbalance: pid, interrupts: count, added, released }
    if (added.length > 0) this.log.info(fields, describeAsked(count))
    else this.log.info(fields, describeReleased(released.length))
  }

  reverted(lost: ConnectivityLoss): void {
    if (lost.failure === undefined) this.counters.countRevert(lost.nic)
    this.log.warn({ ...lost }, describeLoss(lost))
  }

  verdict: GuardEvents['verdict'] = (judged) => {
    const { nic, verdict, from, to, why } = judged
    if (verdict === 'guard-reduced') {
      this.counters.countGuardReduction(nic)
      const text = `${nic}: reduced by the guard, ${from} -> ${to} channels: ${why}; ${from} is not tried again until conditions change, or vqtune apply ${operand(nic)}`
      this.log.warn({ ...judged }, text)
    } else {
      const word = verdict === 'kept' ? 'kept by the guard' : 'not judged by the guard'
      this.log.info({ ...judged }, `${nic}: ${to} -> ${from} channels ${word}: ${why}`)
    }
  }

  settingsVerdict: GuardEvents['settingsVerdict'] = (judged) => {
    const { nic, verdict, changed, why } = judged
    const what = changed
      .map(({ tunable, values }) => `${values.length} ${nounOf(tunable, values.length)}`)
      .join(', ')
    if (verdict === 'guard-reduced') {
      this.counters.countGuardReduction(nic)
      const text = `${nic}: ${what} taken back by the guard: ${why}; not tried again until conditions change, or vqtune apply ${operand(nic)}`
      this.log.warn({ ...judged }, text)
    } else {
      const word = verdict === 'kept' ? 'kept by the guard' : 'not judged by the guard'
      this.log.info({ ...judged }, `${nic}: ${what} ${word}: ${why}`)
    }
  }

  /** A problem is logged when it begins, when it changes, and when it is over (undefined); never twice. */
  problem(topic: string, text: string | undefined): void {
    if ((topic === 'reconcile' || topic === 'pass') && text !== undefined) this.counters.countFailure()
    const known = this.problems.get(topic)
    if (known === text) return
    if (text === undefined) {
      this.problems.delete(topic)
      this.log.info({ topic }, `resolved: ${known}`)
    } else {
      this.problems.set(topic, text)
      // It may be part of a NIC's line.
      if (topic === 'reconcile') this.pass.failure = text
      else this.log.warn({ topic }, text)
    }
  }
}
