/** What became of a drift, for its record. Pure. */
import type { Drift } from '../drift/classify'
import type { Verdict } from '../drift/conflict'
import type { DriftAction } from '../drift/history'
import type { Convergence } from '../reconcile'

interface Outcome {
  readonly action: DriftAction
  /** Empty when the action says it all. */
  readonly why: string
}

/** @param result undefined when the reconcile could not begin */
export function outcomeOf(
  drift: Drift,
  verdict: Verdict | undefined,
  result: Convergence | undefined,
): Outcome {
  if (verdict?.action === 'back-off') {
    return {
      action: 'backed-off',
      why: `reversed ${verdict.reversals} times, left alone for ${verdict.awaySeconds} s`,
    }
  }
  if (verdict?.action === 'yield') return { action: 'yielded', why: 'on-conflict = "yield"' }
  if (verdict?.action === 'report') return { action: 'reported', why: 'on-conflict = "report"' }
  if (result === undefined) return { action: 'failed', why: 'the reconcile could not begin' }
  const ours = (nic: string): boolean => drift.nic === undefined || nic === drift.nic
  if (result.failure !== undefined && result.missing.some((step) => ours(step.nic))) {
    return { action: 'failed', why: result.failure.message }
  }
  const wrote = result.outcomes.some((outcome) => outcome.result === 'done' && ours(outcome.step.nic))
  if (wrote) return { action: 'repaired', why: '' }
  const skip = result.skips.find(
    (candidate) =>
      ours(candidate.nic) && (candidate.tunable === undefined || candidate.tunable === drift.kind),
  )
  return { action: 'accepted', why: skip?.why ?? '' }
}
