/**
 * When to stop writing. Another writer reverses us: set it again, a few times; then it is a fight, and vqtune leaves
 * the NIC alone for a time that doubles with each further fight. Pure: state in, state and verdict out.
 */
import type { ConflictPolicy } from '../model'

/** What is remembered of one NIC instance. Times are milliseconds since boot: nobody sets that clock. */
export interface ConflictState {
  readonly ifindex: number
  /** Reversals within the window, oldest first. */
  readonly reversals: readonly number[]
  /** Fights so far; forgotten after a quiet time. */
  readonly backoffs: number
  /** Not written to before this time. */
  readonly backoffUntil?: number
  /** By policy, until the next boot, `vqtune apply` or a changed configuration. */
  readonly suspended?: 'yielded' | 'reported'
  /** Writer that is yielded to or fought with. */
  readonly otherWriter?: string
}

export interface ConflictLimits {
  readonly conflictReversals: number
  readonly conflictWindowSeconds: number
  readonly conflictBackoffSeconds: number
}

export type ConflictVerdict =
  | { readonly action: 'reassert' }
  | { readonly action: 'yield' | 'report' }
  /** The fight is given up until then. */
  | { readonly action: 'back-off'; readonly reversals: number; readonly awaySeconds: number }

const MAX_BACKOFF_SECONDS = 86_400

export function noConflict(ifindex: number): ConflictState {
  return { ifindex, reversals: [], backoffs: 0 }
}

/** Another writer changed what had been as desired. */
export function afterReversal(
  state: ConflictState,
  policy: ConflictPolicy,
  otherWriter: string,
  limits: ConflictLimits,
  now: number,
): { readonly state: ConflictState; readonly verdict: ConflictVerdict } {
  if (policy !== 'reassert') {
    const suspended = policy === 'yield' ? 'yielded' : 'reported'
    return { state: { ...state, suspended, otherWriter }, verdict: { action: policy } }
  }
  const oldest = now - limits.conflictWindowSeconds * 1000
  const recent = state.reversals.filter((at) => at >= oldest)
  const reversals = [...recent, now]
  if (reversals.length < limits.conflictReversals) {
    return { state: { ...state, reversals, otherWriter }, verdict: { action: 'reassert' } }
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
      otherWriter,
    },
    verdict: { action: 'back-off', reversals: reversals.length, awaySeconds },
  }
}

export function isBackedOff(state: ConflictState, now: number): boolean {
  return state.backoffUntil !== undefined && state.backoffUntil > now
}

/** Forgets what is over: a finished back-off, and old fights once as quiet as the last back-off was long. */
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
