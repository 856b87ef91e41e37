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
  readonly fights: number
  /** Not written to before this time. */
  readonly awayUntil?: number
  /** By policy, until the next boot, `vqtune apply` or a changed configuration. */
  readonly leftAlone?: 'yielded' | 'reported'
  /** Writer that is yielded to or fought with. */
  readonly rival?: string
}

export interface ConflictLimits {
  readonly conflictReversals: number
  readonly conflictWindowSeconds: number
  readonly conflictBackoffSeconds: number
}

export type Verdict =
  | { readonly action: 'reassert' }
  | { readonly action: 'yield' | 'report' }
  /** The fight is given up until then. */
  | { readonly action: 'back-off'; readonly reversals: number; readonly awaySeconds: number }

const LONGEST_BACKOFF_SECONDS = 86_400

export function peaceWith(ifindex: number): ConflictState {
  return { ifindex, reversals: [], fights: 0 }
}

/** Another writer changed what had been as desired. */
export function afterReversal(
  state: ConflictState,
  policy: ConflictPolicy,
  rival: string,
  limits: ConflictLimits,
  now: number,
): { readonly state: ConflictState; readonly verdict: Verdict } {
  if (policy !== 'reassert') {
    const leftAlone = policy === 'yield' ? 'yielded' : 'reported'
    return { state: { ...state, leftAlone, rival }, verdict: { action: policy } }
  }
  const oldest = now - limits.conflictWindowSeconds * 1000
  const recent = state.reversals.filter((at) => at >= oldest)
  const reversals = [...recent, now]
  if (reversals.length < limits.conflictReversals) {
    return { state: { ...state, reversals, rival }, verdict: { action: 'reassert' } }
  }
  const awaySeconds = Math.min(
    limits.conflictBackoffSeconds * 2 ** Math.min(state.fights, 20),
    LONGEST_BACKOFF_SECONDS,
  )
  return {
    state: {
      ifindex: state.ifindex,
      reversals: [],
      fights: state.fights + 1,
      awayUntil: now + awaySeconds * 1000,
      rival,
    },
    verdict: { action: 'back-off', reversals: reversals.length, awaySeconds },
  }
}

export function isAway(state: ConflictState, now: number): boolean {
  return state.awayUntil !== undefined && state.awayUntil > now
}

/** Forgets what is over: a finished back-off, and old fights once as quiet as the last back-off was long. */
export function withTime(state: ConflictState, limits: ConflictLimits, now: number): ConflictState {
  const { awayUntil, ...rest } = state
  if (awayUntil === undefined || isAway(state, now)) return state
  const quietMs =
    1000 *
    Math.max(
      limits.conflictWindowSeconds,
      Math.min(limits.conflictBackoffSeconds * 2 ** (state.fights - 1), LONGEST_BACKOFF_SECONDS),
    )
  const quiet = state.reversals.length === 0 && now - awayUntil > quietMs
  return quiet ? { ...rest, fights: 0 } : state
}
