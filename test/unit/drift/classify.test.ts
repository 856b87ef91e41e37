import { describe, expect, it } from 'vitest'
import { classifyDrift } from '../../../src/drift/classify'
import { snapshotOf } from '../../../src/drift/snapshot'
import { nicOf, withChannels } from '../../support/simulated-kernel'
import { ALL, before, drifts, guest, movedTo, nic, set } from './changed-guest'

describe('classifyDrift', () => {
  it('finds nothing in the same guest, nor in a renamed NIC', () => {
    expect(drifts(guest)).toEqual([])
    expect(drifts({ ...guest, nics: [{ ...nic, name: 'lan0' }] })).toEqual([])
  })

  it('tells channels without the affinity that the kernel rewrites with them', () => {
    expect(drifts({ ...guest, nics: [withChannels(nic, 2, ALL)] })).toEqual([
      { kind: 'channels', nic: 'eth2', ifindex: 2, old: '4', new: '2' },
    ])
  })

  it('tells the affinity of several queues in one record, and XPS in another', () => {
    const moved = movedTo(movedTo(guest, 1, '3'), 2, '0-1')
    const cleared = set(moved, 'xps', 'queue 0', '')
    expect(drifts(cleared)).toEqual([
      {
        kind: 'irq-affinity',
        nic: 'eth2',
        ifindex: 2,
        old: 'queue 1 rx CPU 1, queue 2 rx CPU 2',
        new: 'queue 1 rx CPU 3, queue 2 rx CPU 0-1',
      },
      { kind: 'xps', nic: 'eth2', ifindex: 2, old: 'queue 0 CPU 0', new: 'queue 0 CPU none' },
    ])
  })

  it('tells NICs that came and went, and another maximum of the same device', () => {
    const anew = nicOf({ ifindex: 7, maximum: 2 }, ALL)
    const kinds = drifts({ ...guest, nics: [{ ...anew, mac: nic.mac }] }).map(({ kind, old, new: now }) => [
      kind,
      old,
      now,
    ])
    expect(kinds).toEqual([
      ['nic-removed', '4 channels', 'none'],
      ['nic-added', 'none', '2 channels'],
      ['maximum', '4', '2'],
    ])
  })

  it('tells XDP and vCPUs', () => {
    const xdp = { ...nic, obstacle: { code: 'xdp' as const, why: '' } }
    const changed = { ...guest, cpus: { ...guest.cpus, online: [0, 1, 2] }, nics: [xdp] }
    expect(drifts(changed).map(({ kind, old, new: now }) => [kind, old, now])).toEqual([
      ['vcpus', '0-3', '0-2'],
      ['xdp-attached', 'none', 'attached'],
    ])
    expect(classifyDrift(snapshotOf(changed, []), before).map(({ kind }) => kind)).toEqual([
      'vcpus',
      'xdp-detached',
    ])
  })
})
