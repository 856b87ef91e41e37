import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS, type Settings } from '../../../src/config/settings'
import { isMissing, removal, stepBack, tunablesOf, withEdit } from '../../../src/guard/hold-edit'
import type { ChangedSettings } from '../../../src/guard/settings'
import type { Ledger, LedgerEntry } from '../../../src/planner/ledger'
import { guestOf, nicOf } from '../../support/simulated-kernel'

const ONLINE = [0, 1, 2, 3]
const NIC = nicOf({ ifindex: 2, maximum: 4 }, ONLINE)
const GUEST = guestOf(ONLINE, [NIC])
const ENTRY: LedgerEntry = { virtio: 'virtio2', ifindex: 2, name: 'eth2', mac: NIC.mac, at: 'T' }
const SETTINGS: Settings = {
  ...DEFAULT_SETTINGS,
  rules: [{ match: {}, settings: { cap: 8, switches: { rps: 'spread' } }, source: 'test' }],
}
const CHANNELS = { ifindex: 2, from: 1, to: 4 }
const RPS: ChangedSettings = {
  ...{ changed: [{ tunable: 'rps', values: [] }], before: '', after: '' },
  earlier: { rps: { 'queue 0': '' } },
}
const entryAfter = (...edits: Parameters<typeof withEdit>[4][]): LedgerEntry | undefined => {
  const ledger: Ledger = { version: 2, bootId: 'boot', entries: [ENTRY] }
  return edits.reduce((result, edit) => withEdit(result, GUEST, NIC, SETTINGS, edit), ledger).entries[0]
}

describe('a step back', () => {
  it('of channels goes from the new count to the old one, with the conditions of the comparison', () => {
    expect(stepBack(CHANNELS, 'worse', false)).toEqual({
      channels: { from: 4, to: 1, confirmed: false, why: 'worse' },
    })
    expect(entryAfter(stepBack(CHANNELS, 'worse', false))?.regressionHold).toEqual({
      ...{ from: 4, to: 1, confirmed: false, why: 'worse', at: expect.stringMatching(/^\d{4}-.*Z$/) },
      ...{ vcpus: 4, maximum: 4, policy: 'avoid 8 auto 60 20' },
    })
  })

  it('of other settings has the earlier values of each tunable', () => {
    expect(entryAfter(stepBack(RPS, 'worse', true))?.settingHolds).toEqual({
      rps: {
        ...{ confirmed: true, why: 'worse', values: { 'queue 0': '' }, at: expect.any(String) },
        ...{ vcpus: 4, maximum: 4, policy: 'avoid 8 auto 60 20 spread' },
      },
    })
  })
})

describe('a removal', () => {
  it('takes away what the step back recorded, and only that', () => {
    const both = [stepBack(CHANNELS, 'worse', true), stepBack(RPS, 'worse', true)]
    expect(entryAfter(...both, removal(CHANNELS))).toMatchObject({ settingHolds: { rps: {} } })
    expect(entryAfter(...both, removal(CHANNELS))).not.toHaveProperty('regressionHold')
    expect(entryAfter(...both, removal(RPS))).toMatchObject({ regressionHold: { from: 4 } })
    expect(entryAfter(...both, removal(RPS))).not.toHaveProperty('settingHolds')
  })

  it('is to be written only where there is something, a step back always', () => {
    const entry = entryAfter(stepBack(CHANNELS, 'worse', true)) as LedgerEntry
    expect([isMissing(removal(CHANNELS), entry), isMissing(removal(CHANNELS), ENTRY)]).toEqual([true, false])
    expect([isMissing(removal(RPS), entry), isMissing(removal(RPS), ENTRY)]).toEqual([false, false])
    expect(isMissing(removal(RPS), entryAfter(stepBack(RPS, 'worse', true)) as LedgerEntry)).toBe(true)
    expect([CHANNELS, RPS].map((of) => isMissing(stepBack(of, '', true), ENTRY))).toEqual([true, true])
  })
})

it('a change of channels concerns no other tunable', () => {
  expect([tunablesOf(CHANNELS), tunablesOf(RPS)]).toEqual([[], ['rps']])
})
