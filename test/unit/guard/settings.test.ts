import { describe, expect, it } from 'vitest'
import { changedSettings, settingsText } from '../../../src/guard/settings'
import type { ObservedNic } from '../../../src/model'
import { nicOf } from '../../support/simulated-kernel'

const ONLINE = [0, 1, 2, 3]
const setting = (tunable: string, key: string, value: string) => ({
  ...{ tunable, key, value, label: key, file: undefined },
})
const BARE = nicOf({ ifindex: 2, maximum: 2 }, ONLINE)
const NIC: ObservedNic = {
  ...BARE,
  settings: [
    ...BARE.settings,
    setting('rps', 'queue 0', '1'),
    setting('rps', 'queue 1', '3'),
    setting('rings', 'rx', '1024'),
  ],
}
const change = (tunable: string, key: string, old: string, now: string) => ({
  ...{ ifindex: 2, tunable, key, old, new: now },
})

describe('the state of a NIC as text', () => {
  it('has the channels, and what can be compared: neither affinity nor XPS', () => {
    expect(settingsText(NIC)).toBe('2; rings rx 1024; rps queue 0 1; rps queue 1 3')
    expect(settingsText(BARE)).toBe('2')
  })

  it('can have other values', () => {
    expect(settingsText(NIC, { rps: { 'queue 0': '' } })).toBe('2; rps queue 0 ')
  })
})

describe('changed settings', () => {
  it('are by tunable, with the text before and after', () => {
    const rps = change('rps', 'queue 0', '', '1')
    expect(changedSettings(NIC, [rps])).toEqual({
      changed: [{ tunable: 'rps', values: [rps] }],
      before: '2; rings rx 1024; rps queue 0 ; rps queue 1 3',
      after: '2; rings rx 1024; rps queue 0 1; rps queue 1 3',
      // All values of the tunable, also those that did not change.
      earlier: { rps: { 'queue 0': '', 'queue 1': '3' } },
    })
  })

  it('of several tunables are one change', () => {
    const changes = [
      change('rps', 'queue 0', '', '1'),
      change('rings', 'rx', '256', '1024'),
      change('rps', 'queue 1', '', '3'),
    ]
    const { changed, before, earlier } = changedSettings(NIC, changes)
    expect(changed.map(({ tunable, values }) => [tunable, values.length])).toEqual([
      ['rps', 2],
      ['rings', 1],
    ])
    expect(before).toBe('2; rings rx 256; rps queue 0 ; rps queue 1 ')
    expect(earlier).toEqual({ rps: { 'queue 0': '', 'queue 1': '' }, rings: { rx: '256' } })
  })
})
