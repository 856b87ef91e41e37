import { describe, expect, test } from 'vitest'
import { DEFAULT_SETTINGS, type Settings } from '../../../src/config/settings'
import type { ObservedGuest, ObservedNic, RegressionHold } from '../../../src/model'
import {
  entryOf,
  type Ledger,
  withOriginals,
  withRegressionHold,
  withSettingHold,
} from '../../../src/planner/ledger'
import { applyOperation } from '../../../src/planner/operations'
import { conditionsOf, regressionHoldsOf } from '../../../src/planner/regression-hold'
import { openSystem } from '../../../src/system/system'
import { guestOf, nicOf } from '../../support/simulated-kernel'

const ONLINE = [0, 1, 2, 3]
const SETTINGS: Settings = { ...DEFAULT_SETTINGS, guard: { ...DEFAULT_SETTINGS.guard, enabled: true } }
const NIC = nicOf({ ifindex: 2, maximum: 4, current: 1 }, ONLINE)
const OTHER = nicOf({ ifindex: 3, maximum: 4, current: 1 }, ONLINE)
const GUEST = guestOf(ONLINE, [NIC, OTHER])
const AT = '2026-01-01T00:00:00Z'

function regressionHold(confirmed = true): RegressionHold {
  return {
    ...{ from: 4, to: 1, confirmed, why: '80 instead of 500 Mb/s with 4 instead of 1 channels', at: AT },
    ...conditionsOf(GUEST, NIC, SETTINGS),
  }
}
function ledgerWith(step: RegressionHold, guest: ObservedGuest = GUEST): Ledger {
  const empty: Ledger = { version: 2, bootId: 'boot', entries: [] }
  const ledger = withOriginals(empty, guest, guest.nics, AT)
  return guest.nics.reduce((result, nic) => withRegressionHold(result, nic, step), ledger)
}
const LEDGER = ledgerWith(regressionHold())
const goal = (settings = SETTINGS, respectHolds = true, nic?: string) =>
  applyOperation(openSystem('/nowhere'), settings, { respectHolds, nic })

describe('a step back', () => {
  test('is the target, named, and tells how to try again', () => {
    expect(goal().plan(GUEST, LEDGER)).toEqual({
      steps: [],
      skips: ['eth2', 'eth3'].map((nic) => ({
        nic,
        tunable: 'channels',
        code: 'guard',
        why: `reduced by the guard: ${regressionHold().why}; vqtune apply ${nic} tries 4 again`,
      })),
    })
    expect(goal().pending(LEDGER, GUEST)).toBe(false)
  })

  test('is planned when the NIC has more', () => {
    const guest = guestOf(ONLINE, [nicOf({ ifindex: 2, maximum: 4 }, ONLINE)])
    const { steps } = goal().plan(guest, ledgerWith(regressionHold(false), guest))
    expect(steps).toEqual([
      {
        ...{ tunable: 'channels', nic: 'eth2', ifindex: 2, key: 'combined', label: 'channels' },
        ...{ file: undefined, old: '4', new: '1' },
        reason: `the guard is comparing: ${regressionHold().why}`,
      },
    ])
  })

  const changed: [string, ObservedGuest, Settings][] = [
    ['a vCPU went', guestOf([0, 1, 2], [NIC]), SETTINGS],
    ['the host exposes more', guestOf(ONLINE, [{ ...NIC, channels: { current: 1, maximum: 8 } }]), SETTINGS],
    ['the NIC is another instance', guestOf(ONLINE, [{ ...NIC, ifindex: 9 }]), SETTINGS],
    [
      'the configuration changed',
      GUEST,
      { ...SETTINGS, rules: [{ match: {}, settings: { cap: 3 }, source: 'test' }] },
    ],
    [
      'the guard is asked for other limits',
      GUEST,
      { ...SETTINGS, guard: { ...SETTINGS.guard, windowSeconds: 5 } },
    ],
    ['the guard is off', GUEST, DEFAULT_SETTINGS],
  ]
  test.each(changed)('ends when %s', (_, guest, settings) => {
    expect(regressionHoldsOf(guest, LEDGER, settings).size).toBe(0)
    const { steps } = goal(settings).plan(guest, LEDGER)
    expect(steps[0]).toMatchObject({ tunable: 'channels', old: '1' })
    const [nic = NIC] = guest.nics
    const after = goal(settings).finish(LEDGER, guest, new Set(), AT)
    expect(entryOf(after, nic)?.regressionHold).toBeUndefined()
    // An entry of an instance that is gone goes with the next one that is recorded.
    expect(goal(settings).pending(LEDGER, guest)).toBe(nic.ifindex === NIC.ifindex)
  })

  test('does not end because the maximum was not asked for', () => {
    const guest = guestOf(ONLINE, [{ ...NIC, channels: { current: 1, maximum: undefined } }])
    expect(regressionHoldsOf(guest, LEDGER, SETTINGS).size).toBe(1)
  })

  test("ends with an administrator's apply, of the named NIC only", () => {
    const all = goal(SETTINGS, false)
    expect(all.plan(GUEST, LEDGER).steps).toHaveLength(2)
    expect(all.pending(LEDGER, GUEST)).toBe(true)
    const one = goal(SETTINGS, false, 'eth2')
    expect(one.plan(GUEST, LEDGER).steps.map(({ nic }) => nic)).toEqual(['eth2'])
    const after = one.finish(LEDGER, GUEST, new Set(), AT)
    expect(entryOf(after, NIC)?.regressionHold).toBeUndefined()
    expect(entryOf(after, OTHER)?.regressionHold).toEqual(regressionHold())
    expect(one.pending(after, GUEST)).toBe(false)
  })

  test('gives way to what forbids other channels', () => {
    const obstacle = { code: 'xdp', why: 'XDP' } as const
    const stuck = { ...nicOf({ ifindex: 2, maximum: 4 }, ONLINE), obstacle }
    expect(goal().plan(guestOf(ONLINE, [stuck]), LEDGER).steps).toEqual([])
  })
})

describe('a return to earlier values', () => {
  const WATCHING: Settings = {
    ...SETTINGS,
    rules: [{ match: {}, settings: { switches: { rps: 'spread' } }, source: 'test' }],
    guard: { ...SETTINGS.guard, watch: ['channels', 'rps'] },
  }
  const masks = ['1', '3'].map((value, queue) => ({
    ...{ tunable: 'rps', key: `queue ${queue}`, value, label: `queue ${queue} RPS` },
    file: `/sys/class/net/eth2/queues/rx-${queue}/rps_cpus`,
  }))
  const bare = nicOf({ ifindex: 2, maximum: 2 }, ONLINE)
  const nic = { ...bare, settings: [...bare.settings, ...masks] }
  const guest = guestOf(ONLINE, [nic])
  const hold = (confirmed: boolean, settings = WATCHING) => ({
    ...{ values: { 'queue 0': '', 'queue 1': '3' }, confirmed, why: '1 instead of 8 Mb/s', at: AT },
    ...conditionsOf(guest, nic, settings, ['rps']),
  })
  const holding = (confirmed = true) =>
    withSettingHold(
      withOriginals({ version: 2, bootId: 'boot', entries: [] }, guest, guest.nics, AT),
      nic,
      'rps',
      hold(confirmed),
    )

  test('is planned with its reason, and then told with the way to try again', () => {
    expect(goal(WATCHING).plan(guest, holding(false))).toEqual({
      steps: [
        expect.objectContaining({
          ...{ tunable: 'rps', key: 'queue 0', old: '1', new: '' },
          reason: 'the guard is comparing: 1 instead of 8 Mb/s',
        }),
      ],
      skips: [],
    })
    const back = { ...nic, settings: [...bare.settings, { ...masks[0], value: '' }, masks[1]] } as ObservedNic
    expect(goal(WATCHING).plan(guestOf(ONLINE, [back]), holding())).toEqual({
      steps: [],
      skips: [
        {
          ...{ nic: 'eth2', tunable: 'rps', code: 'guard' },
          why: 'taken back by the guard: 1 instead of 8 Mb/s; vqtune apply eth2 tries it again',
        },
      ],
    })
    expect(goal(WATCHING).pending(holding(), guest)).toBe(false)
  })

  test.each<[string, Settings]>([
    ['its key of the configuration changed', { ...WATCHING, rules: [] }],
    ['the guard is off', { ...WATCHING, guard: { ...WATCHING.guard, enabled: false } }],
    ['the guard does not watch it', { ...WATCHING, guard: { ...WATCHING.guard, watch: ['channels'] } }],
  ])('ends when %s', (_, settings) => {
    expect(regressionHoldsOf(guest, holding(), settings).size).toBe(0)
    expect(goal(settings).pending(holding(), guest)).toBe(true)
    const after = goal(settings).finish(holding(), guest, new Set(), AT)
    expect(entryOf(after, nic)?.settingHolds).toBeUndefined()
  })

  test('and the channels are held each by itself', () => {
    const both = withRegressionHold(holding(), nic, regressionHold())
    const other = { ...WATCHING, guard: { ...WATCHING.guard, watch: ['rps'] } }
    expect(regressionHoldsOf(guest, both, other).get(2)).toEqual({
      ...{ channels: undefined, settings: { rps: hold(true) } },
    })
    const after = goal(other).finish(both, guest, new Set(), AT)
    expect(entryOf(after, nic)).toMatchObject({ settingHolds: { rps: hold(true) } })
    expect(entryOf(after, nic)?.regressionHold).toBeUndefined()
  })
})

test('its conditions are what a comparison of counts depends on', () => {
  const rules = [{ match: {}, settings: { cap: 3, channels: 2 }, source: 'test' }]
  expect(conditionsOf(GUEST, NIC, SETTINGS)).toStrictEqual({
    vcpus: 4,
    maximum: 4,
    policy: `avoid none auto ${SETTINGS.guard.windowSeconds} ${SETTINGS.guard.regressionPercent}`,
  })
  const unknown = { ...NIC, channels: { current: 1, maximum: undefined } }
  expect(conditionsOf(GUEST, unknown, { ...SETTINGS, isolated: 'use', rules })).toStrictEqual({
    vcpus: 4,
    policy: `use 3 2 ${SETTINGS.guard.windowSeconds} ${SETTINGS.guard.regressionPercent}`,
  })
})
