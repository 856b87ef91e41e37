import { describe, expect, it } from 'vitest'
import { snapshotOf, withOwnWrites } from '../../../src/drift/snapshot'
import type { ObservedNic, Step } from '../../../src/model'
import type { LedgerEntry } from '../../../src/planner/ledger'
import { guestOf, nicOf, withChannels, withSetting } from '../../support/simulated-kernel'

const ONLINE = [0, 1, 3]
const NIC = nicOf({ ifindex: 2, maximum: 2 }, ONLINE)
const OTHER = nicOf({ ifindex: 3, maximum: 2 }, ONLINE)
const GUEST = guestOf(ONLINE, [NIC, OTHER])
const AT = '2026-01-01T00:00:00.000Z'
const ENTRY: LedgerEntry = { virtio: 'virtio2', ifindex: 2, name: 'eth2', mac: NIC.mac, at: AT }

describe('a snapshot', () => {
  it('has what can drift, by NIC', () => {
    const { nics, ...rest } = snapshotOf(guestOf(ONLINE, [NIC]), [])
    expect(rest).toEqual({ bootId: 'boot', online: '0-1,3' })
    expect(nics).toEqual([
      {
        ...{ ifindex: 2, name: 'eth2', mac: '52:54:00:00:00:02', virtio: 'virtio2', maximum: 2, xdp: false },
        channels: 2,
        values: {
          channels: { combined: '2' },
          'irq-affinity': { 'queue 0 rx': '0-1', 'queue 0 tx': '0-1', 'queue 1 rx': '3', 'queue 1 tx': '3' },
          xps: { 'queue 0': '0-1', 'queue 1': '3' },
        },
      },
    ])
  })

  it('has no maximum that is not known, and of obstacles only XDP', () => {
    const of = (nic: ObservedNic) => snapshotOf(guestOf(ONLINE, [nic]), []).nics[0]
    expect(of({ ...NIC, channels: { current: 2, maximum: undefined } })).not.toHaveProperty('maximum')
    expect(of({ ...NIC, obstacle: { code: 'xdp', why: '' } })?.xdp).toBe(true)
    expect(of({ ...NIC, obstacle: { code: 'af-xdp', why: '' } })?.xdp).toBe(false)
  })

  it.each([
    ['only seen', ENTRY, undefined],
    ['changed', { ...ENTRY, original: {} }, AT],
    ['rolled back', { ...ENTRY, held: true }, AT],
    ['of another instance of the device', { ...ENTRY, ifindex: 9, original: {} }, undefined],
  ] as const)('has the time of a ledger entry unless the NIC was %s', (_, entry, at) => {
    expect(snapshotOf(GUEST, [entry]).nics[0]?.recordedAt).toBe(at)
  })
})

describe('what vqtune wrote itself', () => {
  const changed = withSetting(withSetting(NIC, 'xps', 'queue 0', '1'), 'xps', 'queue 1', '0')
  const before = snapshotOf(GUEST, [])
  const after = snapshotOf(guestOf(ONLINE, [changed, OTHER]), [{ ...ENTRY, original: {} }])
  const step: Step = {
    ...{ tunable: 'xps', nic: 'eth2', ifindex: 2, key: 'queue 0', label: '', file: undefined },
    ...{ old: '0-1', new: '1', reason: '' },
  }

  it('is as it is now, and nothing else', () => {
    const { nics } = withOwnWrites(before, after, [step])
    expect(nics[0]?.values.xps).toEqual({ 'queue 0': '1', 'queue 1': '3' })
    expect(nics[0]?.recordedAt).toBe(AT)
    expect(nics[1]).toBe(before.nics[1])
  })

  it('counts as it is now even if somebody has replaced it since', () => {
    const { nics } = withOwnWrites(before, after, [{ ...step, new: '3' }])
    expect(nics[0]?.values.xps?.['queue 0']).toBe('1')
  })

  it('is everything that the kernel writes with new channels', () => {
    const two = snapshotOf(guestOf(ONLINE, [withChannels(NIC, 1, ONLINE), OTHER]), [])
    const channels = { ...step, tunable: 'channels', key: 'combined', old: '2', new: '1' }
    expect(withOwnWrites(before, two, [channels]).nics[0]?.values).toEqual(two.nics[0]?.values)
  })

  it('of a NIC that went, or of none, changes nothing', () => {
    expect(withOwnWrites(before, snapshotOf(guestOf(ONLINE, [OTHER]), []), [step])).toEqual(before)
    expect(withOwnWrites(before, after, [])).toEqual(before)
  })
})
