/** What became of a drift, for its record. Pure. */
import type { Drift } from '../drift/classify'
import type { ConflictVerdict } from '../drift/conflict'
import type { DriftAction } from '../drift/history'
import type { ChannelChange, SettingChange } from '../guard/guard'
import type { Convergence } from '../planner/reconcile'
import { isChannelStep } from '../tunables/engine'

interface Outcome {
  readonly action: DriftAction
  /** Empty when the action says it all. */
  readonly why: string
}

/** @param result undefined when the reconcile could not begin */
export function outcomeOf(
  drift: Drift,
  verdict: ConflictVerdict | undefined,
  result: Convergence | undefined,
): Outcome {
  if (verdict?.action === 'back-off') {
    return {
      action: 'backed-off',
      why: `reversed ${verdict.reversals} times, suspended for ${verdict.awaySeconds} s`,
    }
  }
  if (verdict?.action === 'yield') return { action: 'yielded', why: 'on-conflict = "yield"' }
  if (verdict?.action === 'report') return { action: 'reported', why: 'on-conflict = "report"' }
  // Nothing of it is left to be set, whatever was written to it before it went.
  if (drift.kind === 'nic-removed') return { action: 'accepted', why: '' }
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

/** Channels that a pass changed, as far as they stayed: one for each NIC, from its first to its last count. */
export function channelChanges(result: Convergence | undefined): readonly ChannelChange[] {
  if (result === undefined) return []
  const done = result.outcomes
    .filter((outcome) => outcome.result === 'done')
    .map(({ step }) => step)
    .filter(isChannelStep)
  return result.guest.nics.flatMap(({ ifindex, channels }): ChannelChange[] => {
    const from = Number(done.find((step) => step.ifindex === ifindex)?.old ?? Number.NaN)
    if (Number.isNaN(from) || channels.current === from) return []
    return [{ ifindex, from, to: channels.current }]
  })
}

/** Other settings that a pass changed, as far as they stayed: one for each, from its first value to its last. */
export function settingChanges(result: Convergence | undefined): readonly SettingChange[] {
  if (result === undefined) return []
  const done = result.outcomes
    .filter((outcome) => outcome.result === 'done')
    .map(({ step }) => step)
    .filter((step) => !isChannelStep(step))
  if (done.length === 0) return []
  return result.guest.nics.flatMap(({ ifindex, settings }) =>
    settings.flatMap(({ tunable, key, value }): SettingChange[] => {
      const old = done.find(
        (step) => step.ifindex === ifindex && step.tunable === tunable && step.key === key,
      )?.old
      return old === undefined || old === value ? [] : [{ ifindex, tunable, key, old, new: value }]
    }),
  )
}
