/** The drift history's records of changes that vqtune itself reverted. Pure. */
import type { DriftRecord } from '../drift/history'
import { operand } from '../text/escape'
import { type ChangedTunable, showSide } from '../tunables/engine'
import type { ConnectivityLoss } from './revert'

export function revertRecord(
  { nic, from, channels, why, failure }: ConnectivityLoss,
  at: string,
): DriftRecord {
  const way = `held until the next boot or vqtune apply ${operand(nic)}`
  return {
    ...own(nic, from, channels, at),
    evidence: 'commit-confirm',
    action: failure === undefined ? 'reverted' : 'failed',
    why: failure === undefined ? `${why}; ${way}` : `${why}; reverting failed: ${failure}`,
  }
}

export interface GuardReduction {
  readonly nic: string
  readonly from: number
  readonly to: number
  readonly why: string
}

export function guardReductionRecord({ nic, from, to, why }: GuardReduction, at: string): DriftRecord {
  const way = `${from} is not tried again until conditions change or vqtune apply ${operand(nic)}`
  return { ...own(nic, from, to, at), evidence: 'guard', action: 'guard-reduced', why: `${why}; ${way}` }
}

export interface GuardReturn {
  readonly nic: string
  /** From the earlier values, which are back, to those that were worse. */
  readonly changed: readonly ChangedTunable[]
  readonly why: string
}

/** One for each tunable. */
export function guardReturnRecords({ nic, changed, why }: GuardReturn, at: string): readonly DriftRecord[] {
  const way = `not tried again until conditions change or vqtune apply ${operand(nic)}`
  return changed.map((one) => ({
    ...{ at, kind: one.tunable, nic, writer: 'vqtune', evidence: 'guard', action: 'guard-reduced' },
    ...{ old: showSide(one, 'new'), new: showSide(one, 'old'), why: `${why}; ${way}` },
  }))
}

function own(
  nic: string,
  from: number,
  to: number,
  at: string,
): Pick<DriftRecord, 'at' | 'kind' | 'nic' | 'old' | 'new' | 'writer'> {
  return { at, kind: 'channels', nic, old: String(from), new: String(to), writer: 'vqtune' }
}
