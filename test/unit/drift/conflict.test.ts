import { describe, expect, it } from 'vitest'
import {
  afterReversal,
  type ConflictState,
  isBackedOff,
  noConflict,
  policyOf,
  withTime,
} from '../../../src/drift/conflict'

const LIMITS = { conflictReversals: 3, conflictWindowSeconds: 600, conflictBackoffSeconds: 3_600 }
const START = 60_000
const HOUR = 3_600_000

/** Reversals at these times. @returns the actions and the state */
function reversals(times: readonly number[], from: ConflictState = noConflict(2)) {
  let state = from
  const actions = times.map((at) => {
    const next = afterReversal(withTime(state, LIMITS, at), 'reassert', 'irqbalance', LIMITS, at)
    state = next.state
    return next.verdict.action === 'back-off' ? next.verdict.awaySeconds : next.verdict.action
  })
  return { actions, state }
}

describe('afterReversal', () => {
  it('reasserts until the third reversal in the window, then stays away for an hour', () => {
    const { actions, state } = reversals([START, START + 1_000, START + 2_000])
    expect(actions).toEqual(['reassert', 'reassert', 3_600])
    expect(isBackedOff(state, START + HOUR)).toBe(true)
    expect(isBackedOff(state, START + HOUR + 2_001)).toBe(false)
    expect(state.otherWriter).toBe('irqbalance')
  })

  it('does not take slow reversals for a fight', () => {
    expect(reversals([0, 1, 2, 3, 4].map((i) => START + i * 301_000)).actions).toEqual([
      'reassert',
      'reassert',
      // 0 s, 301 s and 602 s: the first is out of the window
      'reassert',
      'reassert',
      'reassert',
    ])
  })

  it('doubles the back-off with each fight, up to a day', () => {
    let state = noConflict(2)
    let at = START
    const away: unknown[] = []
    for (let fight = 0; fight < 7; fight++) {
      const { actions, state: next } = reversals([at, at + 1, at + 2], state)
      away.push(actions[2])
      state = next
      at = (state.backoffUntil ?? 0) + 1_000
    }
    expect(away).toEqual([3_600, 7_200, 14_400, 28_800, 57_600, 86_400, 86_400])
  })

  it('forgets fights after as long a quiet time', () => {
    const { state } = reversals([START, START, START])
    const over = (state.backoffUntil ?? 0) + 1
    expect(withTime(state, LIMITS, over)).toEqual(state)
    expect(withTime(state, LIMITS, over + HOUR)).toEqual({
      ifindex: 2,
      reversals: [],
      backoffs: 0,
      otherWriter: 'irqbalance',
      sinceMs: START,
      policy: policyOf('reassert', LIMITS),
    })
  })

  it.each([
    ['yield', 'yielded'],
    ['report', 'reported'],
  ] as const)('%s: leaves the NIC alone at the first', (policy, suspended) => {
    const { state, verdict } = afterReversal(noConflict(2), policy, 'tuned', LIMITS, START)
    expect(verdict).toEqual({ action: policy })
    expect(state).toMatchObject({ suspended, otherWriter: 'tuned', reversals: [] })
  })
})
