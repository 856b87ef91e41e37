import { describe, expect, it } from 'vitest'
import { type AttributionInput, attribute, type CandidateWriter } from '../../../src/drift/attribute'
import { classifyDrift, type Drift } from '../../../src/drift/classify'
import type { RunningTool } from '../../../src/drift/process-scan'
import { type GuestSnapshot, snapshotOf } from '../../../src/drift/snapshot'
import type { ObservedGuest } from '../../../src/model'
import { guestOf, nicOf, withChannels, withoutTunable, withSetting } from '../../support/simulated-kernel'
import { ALL, before, drifts, guest, movedTo, nic } from './changed-guest'

describe('attribute', () => {
  const irqbalance: CandidateWriter = {
    name: 'irqbalance',
    writes: ['irq-affinity'],
    nic: undefined,
    evidence: 'runs',
  }
  const moved = movedTo(guest, 1, '3')
  const evidence = (after: ObservedGuest, more: Partial<AttributionInput> = {}): AttributionInput => ({
    drifts: drifts(after),
    before,
    after: snapshotOf(after, []),
    entries: [],
    candidates: [],
    knownWriters: 25,
    runningTools: [],
    ...more,
  })
  const writers = (all: AttributionInput) => all.drifts.map((drift: Drift) => attribute(drift, all).name)

  it('does not guess', () => {
    expect(writers(evidence(moved))).toEqual(['unknown'])
    const fewer = { ...guest, nics: [withChannels(nic, 2, ALL)] }
    expect(writers(evidence(fewer, { candidates: [irqbalance] }))).toEqual(['unknown'])
  })

  it('names the only program that moves interrupts, and none of two', () => {
    expect(writers(evidence(moved, { candidates: [irqbalance] }))).toEqual(['irqbalance'])
    const two = evidence(moved, { candidates: [irqbalance, { ...irqbalance, name: 'other' }] })
    expect(attribute(two.drifts[0] as Drift, two)).toEqual({
      name: 'unknown',
      evidence: 'one of irqbalance, other; which one is unknown',
    })
  })

  it('names a program with a fixed value only for that value', () => {
    const tuned: CandidateWriter = {
      name: 'tuned',
      writes: ['channels'],
      nic: 'eth2',
      says: 'profile sets channels=combined 2',
      evidence: 'tuned',
    }
    const to = (count: number) =>
      writers(evidence({ ...guest, nics: [withChannels(nic, count, ALL)] }, { candidates: [tuned] }))
    expect(to(2)).toEqual(['tuned'])
    expect(to(3)).toEqual(['unknown'])
  })

  it('tells a file that sets this value at an event of its own, and does not name it', () => {
    const rcLocal: CandidateWriter = {
      name: 'rc.local',
      writes: ['channels'],
      nic: 'eth2',
      says: 'runs ethtool -L eth2 combined 2',
      onlyAt: '/etc/rc.local:3',
      evidence: 'x',
    }
    const to = (count: number) => {
      const all = evidence({ ...guest, nics: [withChannels(nic, count, ALL)] }, { candidates: [rcLocal] })
      return attribute(all.drifts[0] as Drift, all)
    }
    expect(to(2)).toEqual({
      name: 'unknown',
      evidence: 'none of the 25 known writers was seen to write it; /etc/rc.local:3 would set this value',
    })
    expect(to(3).evidence).toBe('none of the 25 known writers was seen to write it')
  })

  it('believes what the kernel noted, then the audit log, whatever else was running', () => {
    const fewer = { ...guest, nics: [withChannels(nic, 2, ALL)] }
    const noted = { tunable: 'channels', name: 'ethtool', pid: 812, at: 5, count: 2 }
    const by = (more: Partial<AttributionInput>) => {
      const all = evidence(fewer, more)
      return attribute(all.drifts[0] as Drift, all)
    }
    expect(by({ tracedWrites: [noted] })).toEqual({
      name: 'ethtool',
      evidence: 'ethtool (pid 812) wrote it, as the kernel noted',
    })
    expect(by({ tracedWrites: [{ ...noted, count: 3 }] }).name).toBe('unknown')
    const other: RunningTool = {
      name: 'ethtool',
      pid: 900,
      args: ['ethtool', '-L', nic.name, 'combined', '2'],
      parent: { name: 'tuned', pid: 500 },
    }
    expect(by({ tracedWrites: [noted], runningTools: [other] }).name).toBe('ethtool')
    expect(by({ tracedWrites: [{ ...noted, pid: 900 }], runningTools: [other] }).name).toBe('tuned')
    const audited = {
      args: ['/usr/sbin/ethtool', '-L', nic.name, 'combined', '2'],
      pid: 812,
      parentPid: 7,
      loginUid: 1000,
      user: 'alice',
      terminal: 'pts0',
      at: 1,
      parent: undefined,
    }
    expect(by({ tracedWrites: [noted], audited: [audited] }).evidence).toBe(
      '/usr/sbin/ethtool -L eth2 combined 2 (pid 812, user alice, login uid 1000, terminal pts0) is in the audit log',
    )
    // It says more than that the program was seen.
    const seen = { ...other, pid: 812, args: audited.args, parent: undefined }
    expect(by({ tracedWrites: [noted], runningTools: [seen], audited: [audited] }).evidence).toContain(
      'alice',
    )
    expect(by({ audited: [{ ...audited, parent: { name: 'tuned', pid: 7 } }] }).name).toBe('tuned')
    expect(by({ audited: [{ ...audited, args: ['ethtool', '-L', 'eth9', 'combined', '2'] }] }).name).toBe(
      'unknown',
    )
  })

  it('names the kernel when a vCPU went and every queue has its layout, else not', () => {
    const online = [0, 1, 2]
    const rewritten = { ...guest, cpus: { ...guest.cpus, online }, nics: [withChannels(nic, 4, online)] }
    expect(writers(evidence(rewritten, { candidates: [irqbalance] }))).toEqual(['kernel', 'kernel', 'kernel'])
    const other = movedTo(rewritten, 0, '2')
    expect(writers(evidence(other)).slice(1)).toEqual(['unknown', 'unknown'])
    // RHEL 7's driver, which has no use for XPS, writes no affinity either.
    const ignoring = { ...rewritten, nics: rewritten.nics.map((one) => withoutTunable(one, 'xps')) }
    expect(writers(evidence(ignoring)).slice(1)).toEqual(['unknown'])
    // A single queue has no XPS under any driver.
    const one = withoutTunable(nicOf({ ifindex: 2, maximum: 1 }, ALL), 'xps')
    const single = guestOf(ALL, [one])
    const followed = withSetting(
      withSetting(one, 'irq-affinity', 'queue 0 rx', '0-2'),
      'irq-affinity',
      'queue 0 tx',
      '0-2',
    )
    const fewer = { ...single, cpus: { ...single.cpus, online }, nics: [followed] }
    const [from, to] = [snapshotOf(single, []), snapshotOf(fewer, [])]
    const all = { ...evidence(fewer), before: from, after: to, drifts: classifyDrift(from, to) }
    expect(writers(all)).toEqual(['kernel', 'kernel'])
  })

  it('names vqtune when the ledger tells of the values since the last look, or of a rollback', () => {
    const entry = {
      virtio: nic.virtio,
      ifindex: 2,
      name: nic.name,
      mac: nic.mac,
      at: '2026-01-02T00:00:00.000Z',
    }
    const applied = (after: GuestSnapshot) => after.nics[0]?.values
    const values = applied(snapshotOf(moved, []))
    const all = (more: object) => evidence(moved, { entries: [{ ...entry, ...more }] })
    expect(writers(all({ applied: values }))).toEqual(['vqtune'])
    expect(writers(all({ held: true }))).toEqual(['vqtune'])
    expect(writers(all({ applied: applied(before) }))).toEqual(['unknown'])
    const known = { ...before, nics: before.nics.map((one) => ({ ...one, recordedAt: entry.at })) }
    expect(writers({ ...all({ applied: values }), before: known })).toEqual(['unknown'])
    // A clock that was set back meanwhile does not matter.
    expect(writers({ ...all({ applied: values, at: '2025-12-31T00:00:00.000Z' }), before: known })).toEqual([
      'vqtune',
    ])
    // Whatever a killed trial left: it marked the entry before its first write.
    expect(writers({ ...all({ applied: applied(before), trial: entry.at }), before: known })).toEqual([
      'vqtune',
    ])
  })

  it('names a tool that was seen at work only for what it set, and the service that started it', () => {
    const fewer = { ...guest, nics: [withChannels(nic, 2, ALL)] }
    const seen = (more: Partial<RunningTool> = {}): RunningTool => ({
      name: 'ethtool',
      pid: 812,
      args: ['ethtool', '-L', nic.name, 'combined', '2'],
      parent: undefined,
      ...more,
    })
    const by = (...runningTools: RunningTool[]) => {
      const all = evidence(fewer, { runningTools })
      return attribute(all.drifts[0] as Drift, all)
    }
    expect(by(seen({ parent: { name: 'bash', pid: 700 } }))).toEqual({
      name: 'ethtool',
      evidence:
        'ethtool -L eth2 combined 2 (pid 812, started by bash 700) was running when the change was noticed',
    })
    expect(by(seen({ parent: { name: 'tuned', pid: 500 } })).name).toBe('tuned')
    for (const args of [
      ['ethtool', '-L', nic.name, 'combined', '3'],
      ['ethtool', '-L', 'eth9', 'combined', '2'],
      ['ethtool', '-l', nic.name],
    ]) {
      expect(by(seen({ args })).name).toBe('unknown')
    }
    expect(by(seen(), seen({ parent: { name: 'tuned', pid: 500 } })).name).toBe('unknown')
    expect(by(seen({ name: 'set_irq_affinit' })).name).toBe('unknown')
    expect(writers(evidence(moved, { runningTools: [seen({ name: 'set_irq_affinit' })] }))).toEqual([
      'set_irq_affinit',
    ])
  })

  it('adds the file that has a program do so to what was seen of the program', () => {
    const fewer = { ...guest, nics: [withChannels(nic, 2, ALL)] }
    const unit: CandidateWriter = {
      ...{ name: 'ethtool', writes: ['channels'], nic: 'eth2', says: 'combined 2' },
      ...{ onlyAt: '/etc/x.service', evidence: 'x.service runs ethtool' },
    }
    const noted = { tunable: 'channels', name: 'ethtool', pid: 812, at: 5, count: 2 }
    const all = evidence(fewer, { candidates: [unit], tracedWrites: [noted], describeTraced: () => 'noted' })
    expect(attribute(all.drifts[0] as Drift, all)).toEqual({
      name: 'ethtool',
      evidence: 'noted; x.service runs ethtool',
    })
  })

  it('suspects, and does not name, an irqbalance that was told to leave the interrupts alone', () => {
    const told = { ...irqbalance, isOnlyPossible: true, evidence: 'irqbalance (pid 8) was asked' }
    const all = evidence(moved, { candidates: [told] })
    expect(attribute(all.drifts[0] as Drift, all)).toEqual({
      name: 'unknown',
      evidence: 'possibly irqbalance (pid 8) was asked',
    })
  })

  it('names at most three files that would set this value', () => {
    const fewer = { ...guest, nics: [withChannels(nic, 2, ALL)] }
    const files: CandidateWriter[] = ['/a:1', '/b:1', '/b:1', '/c:1', '/d:1'].map((onlyAt) => ({
      ...{ name: onlyAt, writes: ['channels'], nic: undefined, says: 'combined 2', onlyAt, evidence: '' },
    }))
    const all = evidence(fewer, { candidates: files })
    expect(attribute(all.drifts[0] as Drift, all).evidence).toBe(
      'none of the 25 known writers was seen to write it; /a:1, /b:1, /c:1 would set this value',
    )
  })

  it('of a rollback gives the reason for which the NIC is held', () => {
    const held = {
      ...{ virtio: nic.virtio, ifindex: 2, name: nic.name, mac: nic.mac, at: '2026-01-02T00:00:00.000Z' },
      ...{ held: true, heldWhy: 'the carrier was lost with 4 channels' },
    }
    const all = evidence(moved, { entries: [held] })
    expect(attribute(all.drifts[0] as Drift, all)).toEqual({ name: 'vqtune', evidence: held.heldWhy })
  })

  it.each([
    ['vcpus', 'kernel', 'a vCPU went online or offline'],
    ['xdp-attached', 'unknown', 'the kernel does not show who attaches XDP programs'],
    ['xdp-detached', 'unknown', 'the kernel does not show who attaches XDP programs'],
    ['nic-removed', 'kernel', 'the device was plugged, unplugged or rebound'],
    ['maximum', 'kernel', 'the device was plugged, unplugged or rebound'],
  ])('knows of %s only what happened', (kind, name, what) => {
    const drift = { kind, nic: 'eth2', ifindex: 2, old: '', new: '' }
    expect(attribute(drift, evidence(guest))).toEqual({ name, evidence: what })
  })
})
