import { describe, expect, test } from 'vitest'
import { VqtuneError } from '../../../src/errors'
import type { Skip, Step } from '../../../src/model'
import { describeApply, describeOutcome, describeRollback } from '../../../src/output/apply'
import type { LedgerEntry } from '../../../src/planner/ledger'
import type { Convergence, StepOutcome } from '../../../src/planner/reconcile'
import { guestOf, nicOf } from '../../support/simulated-kernel'

const ONLINE = [0, 1, 2, 3]
const GUEST = guestOf(ONLINE, [
  nicOf({ ifindex: 2, maximum: 4 }, ONLINE),
  nicOf({ ifindex: 3, maximum: 4 }, ONLINE),
])
const STEP: Step = {
  ...{ nic: 'eth2', ifindex: 2, tunable: 'channels', key: 'combined', label: 'channels' },
  ...{ file: undefined, old: '2', new: '4', reason: 'one queue pair for each of 4 online vCPUs' },
}
const outcome = (result: StepOutcome['result'], why?: string): StepOutcome => ({
  ...{ step: STEP, result, why, at: '2027-01-01T00:00:00Z' },
})
const SKIP: Skip = { nic: 'eth3', tunable: undefined, code: 'held', why: 'rolled back' }
const AFTER: Convergence = {
  ...{ guest: GUEST, outcomes: [], skips: [], missing: [], failure: undefined, notes: [] },
  ledger: { version: 2, bootId: 'boot', entries: [] },
}
const FAILED = new VqtuneError('tool-failed', 'no')

test('an outcome is the step with its reason, and why it was not done', () => {
  const line = 'eth2: channels 2 -> 4  (one queue pair for each of 4 online vCPUs)'
  expect(describeOutcome(outcome('done'))).toBe(line)
  expect(describeOutcome(outcome('refused', 'EBUSY'))).toBe(`${line}: refused: EBUSY`)
})

describe('apply ends with', () => {
  test.each<[string, Partial<Convergence>, string | undefined, string]>([
    ['changes', { outcomes: [outcome('done')] }, undefined, 'converged: 2 NICs, 1 change\n'],
    ['changes of one NIC', { outcomes: [outcome('done')] }, 'eth2', 'converged: 1 NIC, 1 change\n'],
    ['nothing', {}, undefined, 'nothing to do: 2 NICs up to date\n'],
    [
      'a skip',
      { skips: [SKIP] },
      undefined,
      'eth3: NIC skipped: rolled back\nnothing to do: 2 NICs up to date or skipped (see above)\n',
    ],
    [
      'no NIC',
      { guest: guestOf(ONLINE, []) },
      undefined,
      'nothing to do: no virtio-net NIC in this network namespace\n',
    ],
    [
      'a failure',
      { outcomes: [outcome('done'), outcome('failed', 'EIO')], missing: [STEP], failure: FAILED },
      undefined,
      '1 change made, 1 change pending\n  pending: eth2: channels 2 -> 4\n',
    ],
  ])('%s', (_name, more, only, text) => {
    expect(describeApply({ ...AFTER, ...more }, only)).toBe(text)
  })
})

describe('rollback ends with', () => {
  const entry = (ifindex: number, held = true): LedgerEntry => ({
    ...{ virtio: `virtio${ifindex}`, ifindex, name: `eth${ifindex}`, mac: '52:54:00:00:00:01' },
    ...{ at: '2027-01-01T00:00:00Z', held },
  })
  const rolledBack = (entries: readonly LedgerEntry[], more: Partial<Convergence> = {}): Convergence => ({
    ...AFTER,
    ledger: { ...AFTER.ledger, entries },
    ...more,
  })
  const NOTHING = 'nothing to roll back: vqtune has changed nothing since boot\n'

  test('what is held from now on', () => {
    const both = rolledBack([entry(2), entry(3)], { outcomes: [outcome('done')] })
    expect(describeRollback(both, undefined)).toBe(
      'rolled back: 1 change; eth2, eth3 held until the next boot or vqtune apply\n',
    )
    expect(describeRollback(both, 'eth3')).toBe(
      'rolled back: 1 change; eth3 held until the next boot or vqtune apply\n',
    )
  })

  test('nothing, if no NIC of this guest is held', () => {
    expect(describeRollback(rolledBack([]), undefined)).toBe(NOTHING)
    expect(describeRollback(rolledBack([entry(2, false), entry(9)]), undefined)).toBe(NOTHING)
    expect(describeRollback(rolledBack([entry(2)]), 'eth3')).toBe(NOTHING)
  })

  test('what is still pending, after a failure', () => {
    expect(describeRollback(rolledBack([entry(2)], { missing: [STEP], failure: FAILED }), undefined)).toBe(
      '0 changes made, 1 change pending\n  pending: eth2: channels 2 -> 4\n',
    )
  })
})
