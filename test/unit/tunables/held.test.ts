import { describe, expect, it } from 'vitest'
import type { ObservedNic, SettingHold } from '../../../src/model'
import { erased } from '../../../src/tunables/erased'
import { planHeld } from '../../../src/tunables/held'
import { rps } from '../../../src/tunables/rps'
import { NIC, ONLINE } from '../../support/nic-context'

const RPS = erased(rps)
const HOLD: SettingHold = {
  ...{ confirmed: true, vcpus: 4, policy: 'spread', why: '2 instead of 8 Mb/s', at: '2026-01-01T00:00:00Z' },
  values: { 'queue 0': '', 'queue 1': '3' },
}
const withMasks = (...masks: string[]): ObservedNic => ({
  ...NIC,
  settings: [
    ...NIC.settings,
    ...masks.map((value, queue) => ({
      ...{ tunable: 'rps', key: `queue ${queue}`, value },
      ...{ label: `queue ${queue} RPS`, file: undefined },
    })),
  ],
})
const planned = (nic: ObservedNic, hold: SettingHold = HOLD) => planHeld(RPS, { nic, online: ONLINE }, hold)

describe('what the guard holds', () => {
  it('is put back where it is not in place; other tunables and settings without a held value stay', () => {
    const { steps, skips } = planned(withMasks('2', '3', '1'))
    expect(steps).toEqual([
      {
        ...{ tunable: 'rps', nic: 'eth2', ifindex: 2, key: 'queue 0', label: 'queue 0 RPS', file: undefined },
        ...{ old: '2', new: '', reason: 'taken back by the guard: 2 instead of 8 Mb/s' },
      },
    ])
    expect(skips).toEqual([])
  })

  it('is told once it is in place, with the way out', () => {
    expect(planned(withMasks('', '3'))).toEqual({
      steps: [],
      skips: [
        {
          ...{ nic: 'eth2', tunable: 'rps', code: 'guard' },
          why: 'taken back by the guard: 2 instead of 8 Mb/s; vqtune apply eth2 tries it again',
        },
      ],
      notes: [],
    })
  })

  it('has no way out while the guard is comparing', () => {
    const { skips } = planned(withMasks('', '3'), { ...HOLD, confirmed: false })
    expect(skips.map(({ why }) => why)).toEqual(['the guard is comparing: 2 instead of 8 Mb/s'])
  })

  it('names a NIC as a shell takes it', () => {
    const { skips } = planned({ ...withMasks('', '3'), name: 'a b' })
    expect(skips[0]?.why).toContain("vqtune apply 'a b' tries it again")
  })
})
