/**
 * When to stop writing. If another writer reverses a setting, vqtune sets it again a few times; then it is a conflict, and
 * vqtune suspends the NIC for a time that doubles with each further conflict. Pure: state in, state and verdict out.
 */
import type { ConflictPolicy } from '../model'

/** The state of one NIC instance. Times are milliseconds since boot, which clock changes do not affect. */
export interface ConflictState {
  readonly ifindex: number
  /** Reversals within the window, oldest first. */
  readonly reversals: readonly number[]
  /** Conflicts so far; reset after a quiet time. */
  readonly backoffs: number
  /** Not written to before this time. */
  readonly backoffUntil?: number
  /** By policy, until the next boot, `vqtune apply` or a changed configuration. */
  readonly suspended?: 'yielded' | 'reported'
  /** The other writer. */
  readonly otherWriter?: string
  /** When a suspension began. */
  readonly sinceMs?: number
  /** The policy that it came from, see policyOf; absent in the state of an older version. */
  readonly policy?: string
}

/** What of the configuration decides conflicts of one NIC, to be compared. */
export function policyOf(policy: ConflictPolicy, limits: ConflictLimits): string {
  const { conflictReversals, conflictWindowSeconds, conflictBackoffSeconds } = limits
  return [policy, conflictReversals, conflictWindowSeconds, conflictBackoffSeconds].join(' ')
}

export interface ConflictLimits {
  readonly conflictReversals: number
  readonly conflictWindowSeconds: number
  readonly conflictBackoffSeconds: number
}

export type ConflictVerdict =
  | { readonly action: 'reassert' }
  | { readonly action: 'yield' | 'report' }
  /** vqtune backs off until then. */
  | {
      readonly action: 'back-off'
      readonly reversals: number
      readonly awaySeconds: number
      /** Back-offs before this one, after which the other writer came back. */
      readonly earlier: number
    }

const MAX_BACKOFF_SECONDS = 86_400

export function noConflict(ifindex: number): ConflictState {
  return { ifindex, reversals: [], backoffs: 0 }
}

/** Another writer changed a setting that was as desired. */
export function afterReversal(
  state: ConflictState,
  policy: ConflictPolicy,
  otherWriter: string,
  limits: ConflictLimits,
  now: number,
): { readonly state: ConflictState; readonly verdict: ConflictVerdict } {
  const made = { otherWriter, policy: policyOf(policy, limits) }
  if (policy !== 'reassert') {
    const suspended = policy === 'yield' ? 'yielded' : 'reported'
    return { state: { ...state, ...made, suspended, sinceMs: now }, verdict: { action: policy } }
  }
  const oldest = now - limits.conflictWindowSeconds * 1000
  const recent = state.reversals.filter((at) => at >= oldest)
  const reversals = [...recent, now]
  if (reversals.length < limits.conflictReversals) {
    return { state: { ...state, ...made, reversals }, verdict: { action: 'reassert' } }
  }
  const awaySeconds = Math.min(
    limits.conflictBackoffSeconds * 2 ** Math.min(state.backoffs, 20),
    MAX_BACKOFF_SECONDS,
  )
  return {
    state: {
      ifindex: state.ifindex,
      reversals: [],
      backoffs: state.backoffs + 1,
      backoffUntil: now + awaySeconds * 1000,
      sinceMs: now,
      ...made,
    },
    verdict: { action: 'back-off', reversals: reversals.length, awaySeconds, earlier: state.backoffs },
  }
}

export function isBackedOff(state: ConflictState, now: number): boolean {
  return state.backoffUntil !== undefined && state.backoffUntil > now
}

/** Removes what has expired: a back-off that is over, and old conflicts after a quiet time as long as the last back-off. */
export function withTime(state: ConflictState, limits: ConflictLimits, now: number): ConflictState {
  const { backoffUntil, ...rest } = state
  if (backoffUntil === undefined || isBackedOff(state, now)) return state
  const quietMs =
    1000 *
    Math.max(
      limits.conflictWindowSeconds,
      Math.min(limits.conflictBackoffSeconds * 2 ** (state.backoffs - 1), MAX_BACKOFF_SECONDS),
    )
  const quiet = state.reversals.length === 0 && now - backoffUntil > quietMs
  return quiet ? { ...rest, backoffs: 0 } : state
}
