/** The drift history's record of what irqbalance was asked for. Pure. */
import type { Asked } from '../irqbalance/ask'
import { irqsOf } from '../irqbalance/wanted'
import { plural } from '../text/plural'
import type { DriftRecord } from './history'

/** @returns none if nothing has changed */
export function requestRecords({ pid, nics, added, released }: Asked, at: string): readonly DriftRecord[] {
  if (added.length === 0 && released.length === 0) return []
  const now = irqsOf(nics).length
  const before = now - added.length + released.length
  return [
    {
      at,
      kind: 'irqbalance',
      nic: null,
      old: plural(before, 'interrupt'),
      new: plural(now, 'interrupt'),
      writer: 'vqtune',
      evidence: `irqbalance (pid ${pid}) confirmed which interrupts it leaves alone`,
      action: added.length > 0 ? 'asked' : 'given-back',
      why: '',
    },
  ]
}
