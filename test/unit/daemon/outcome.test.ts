import { describe, expect, it } from 'vitest'
import { channelChanges, outcomeOf, settingChanges } from '../../../src/daemon/outcome'
import type { Drift } from '../../../src/drift/classify'
import { VqtuneError } from '../../../src/errors'
import type { ObservedNic, Step } from '../../../src/model'
import type { Convergence, StepOutcome } from '../../../src/planner/reconcile'
import { guestOf, nicOf, withSetting } from '../../support/simulated-kernel'

const ONLINE = [0, 1, 2, 3]
const NIC = nicOf({ ifindex: 2, maximum: 4 }, ONLINE)
const DRIFT: Drift = { kind: 'channels', nic: 'eth2', ifindex: 2, old: '4', new: '2' }
const step = (more: Partial<Step> = {}): Step => ({
  ...{ tunable: 'channels', nic: 'eth2', ifindex: 2, key: 'combined', label: 'channels', file: undefined },
  ...{ old: '2', new: '4', reason: '', ...more },
})
const done = (of: Step): StepOutcome => ({ step: of, result: 'done', why: undefined, at: '' })
const result = (more: Partial<Convergence> = {}, nic: ObservedNic = NIC): Convergence => ({
  ...{ guest: guestOf(ONLINE, [nic]), outcomes: [], skips: [], missing: [], failure: undefined, notes: [] },
  ledger: { version: 2, bootId: 'boot', entries: [] },
  ...more,
})
const failure = new VqtuneError('tool-failed', 'ethtool: no answer')

describe('what became of a drift', () => {
  it.each([
    [
      'reasserted and repaired',
      DRIFT,
      { action: 'reassert' },
      result({ outcomes: [done(step())] }),
      'repaired',
      '',
    ],
    ['as desired with it', DRIFT, undefined, result(), 'accepted', ''],
    ['yielded', DRIFT, { action: 'yield' }, result(), 'yielded', 'on-conflict = "yield"'],
    ['reported', DRIFT, { action: 'report' }, result(), 'reported', 'on-conflict = "report"'],
    [
      'a conflict',
      DRIFT,
      { action: 'back-off', reversals: 3, awaySeconds: 3_600, earlier: 0 },
      result({ outcomes: [done(step())] }),
      'backed-off',
      'reversed 3 times, suspended for 3600 s',
    ],
    ['no reconcile', DRIFT, undefined, undefined, 'failed', 'the reconcile could not begin'],
    [
      'a NIC that went, whatever else',
      { ...DRIFT, kind: 'nic-removed' },
      undefined,
      undefined,
      'accepted',
      '',
    ],
    [
      'not repaired',
      DRIFT,
      undefined,
      result({ failure, missing: [step()], outcomes: [done(step())] }),
      'failed',
      'ethtool: no answer',
    ],
    [
      'repaired, where another NIC was not',
      DRIFT,
      undefined,
      result({ failure, missing: [step({ nic: 'eth3' })], outcomes: [done(step())] }),
      'repaired',
      '',
    ],
    [
      'of the guest as a whole, for which a NIC was set',
      { kind: 'vcpus', nic: undefined, ifindex: undefined, old: '0-3', new: '0-1' },
      undefined,
      result({ outcomes: [done(step({ nic: 'eth3' }))] }),
      'repaired',
      '',
    ],
    [
      'where only another NIC was set',
      DRIFT,
      undefined,
      result({ outcomes: [done(step({ nic: 'eth3' }))] }),
      'accepted',
      '',
    ],
    [
      'refused by the kernel',
      DRIFT,
      undefined,
      result({
        outcomes: [{ ...done(step()), result: 'refused', why: 'no' }],
        skips: [
          { nic: 'eth2', tunable: 'xps', code: 'no-xps', why: 'no XPS' },
          { nic: 'eth2', tunable: 'channels', code: 'xdp', why: 'XDP is attached' },
        ],
      }),
      'accepted',
      'XDP is attached',
    ],
    [
      'of a NIC that is left alone',
      DRIFT,
      undefined,
      result({ skips: [{ nic: 'eth2', tunable: undefined, code: 'held', why: 'rolled back' }] }),
      'accepted',
      'rolled back',
    ],
  ] as const)('%s', (_, drift, verdict, of, action, why) => {
    expect(outcomeOf(drift, verdict, of)).toEqual({ action, why })
  })
})

describe('channels that a pass changed', () => {
  it('are from the first count to the one that is there', () => {
    const outcomes = [done(step({ old: '1', new: '2' })), done(step({ old: '2', new: '4' }))]
    expect(channelChanges(result({ outcomes }))).toEqual([{ ifindex: 2, from: 1, to: 4 }])
  })

  it('are none that did not stay, were not set, or are of a NIC that is gone', () => {
    expect(channelChanges(undefined)).toEqual([])
    expect(channelChanges(result({ outcomes: [done(step({ old: '4', new: '2' }))] }))).toEqual([])
    expect(channelChanges(result({ outcomes: [{ ...done(step()), result: 'failed', why: '' }] }))).toEqual([])
    expect(channelChanges(result({ outcomes: [done(step({ ifindex: 9 }))] }))).toEqual([])
    expect(channelChanges(result({ outcomes: [done(step({ tunable: 'xps', key: 'queue 0' }))] }))).toEqual([])
  })
})

describe('other settings that a pass changed', () => {
  const xps = (old: string, now: string, key = 'queue 0') =>
    done(step({ tunable: 'xps', key, old, new: now }))

  it('are one each, from its first value to the one that is there', () => {
    const nic = withSetting(NIC, 'xps', 'queue 1', '0')
    const outcomes = [xps('3', '2'), xps('2', '0'), xps('', '0', 'queue 1'), done(step())]
    expect(settingChanges(result({ outcomes }, nic))).toEqual([
      { ifindex: 2, tunable: 'xps', key: 'queue 0', old: '3', new: '0' },
      { ifindex: 2, tunable: 'xps', key: 'queue 1', old: '', new: '0' },
    ])
  })

  it('are none that did not stay, or were not set', () => {
    expect(settingChanges(undefined)).toEqual([])
    expect(settingChanges(result({ outcomes: [xps('0', '1')] }))).toEqual([])
    expect(settingChanges(result({ outcomes: [{ ...xps('3', '0'), result: 'refused', why: '' }] }))).toEqual(
      [],
    )
    expect(settingChanges(result({ outcomes: [done(step())] }))).toEqual([])
  })
})
