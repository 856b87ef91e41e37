/** The drift history's records of what vqtune itself took back. Pure. */
import type { DriftRecord } from '../drift/history'
import { operand } from '../untrusted'
import type { LostNic } from './confirm'

export function putBackRecord({ nic, from, channels, why, failure }: LostNic, at: string): DriftRecord {
  const way = `left alone until the next boot or vqtune apply ${operand(nic)}`
  return {
    ...own(nic, from, channels, at),
    evidence: 'commit-confirm',
    action: failure === undefined ? 'put-back' : 'failed',
    why: failure === undefined ? `${why}; ${way}` : `${why}; going back failed: ${failure}`,
  }
}

export interface SteppedBackNic {
  readonly nic: string
  readonly from: number
  readonly to: number
  readonly why: string
}

export function steppedBackRecord({ nic, from, to, why }: SteppedBackNic, at: string): DriftRecord {
  const way = `${from} is not tried again until conditions change, or vqtune apply ${operand(nic)}`
  return { ...own(nic, from, to, at), evidence: 'guard', action: 'stepped-back', why: `${why}; ${way}` }
}

function own(
  nic: string,
  from: number,
  to: number,
  at: string,
): Pick<DriftRecord, 'at' | 'kind' | 'nic' | 'old' | 'new' | 'writer'> {
  return { at, kind: 'channels', nic, old: String(from), new: String(to), writer: 'vqtune' }
}
