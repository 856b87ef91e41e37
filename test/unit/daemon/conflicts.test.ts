import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS, type Settings } from '../../../src/config/settings'
import type { Clock } from '../../../src/daemon/clock'
import { Conflicts } from '../../../src/daemon/conflicts'
import type { ConflictPolicy } from '../../../src/model'
import { guestOf, nicOf } from '../../support/simulated-kernel'

const ONLINE = [0, 1, 2, 3]
const GUEST = guestOf(ONLINE, [
  nicOf({ ifindex: 2, maximum: 4 }, ONLINE),
  nicOf({ ifindex: 3, maximum: 4 }, ONLINE),
])
const HOUR = 3_600_000
/** One minute after boot. */
const NOW = 60_000
const clockAt = (uptime: number): Clock => ({
  wall: () => Date.parse('2026-01-01T00:00:00Z') + uptime,
  uptime: () => uptime,
})
const ruled = (onConflict: ConflictPolicy): Settings => ({
  ...DEFAULT_SETTINGS,
  rules: [{ match: {}, settings: { onConflict }, source: 'test' }],
})

/** With a NIC that was reversed three times, and so is backed off for an hour. */
function backedOff(otherWriter = 'irqbalance'): Conflicts {
  const conflicts = new Conflicts()
  for (let i = 0; i < 3; i++) conflicts.reversed(2, 'reassert', otherWriter, DEFAULT_SETTINGS, NOW)
  return conflicts
}
function yielded(otherWriter = 'tuned'): Conflicts {
  const conflicts = new Conflicts()
  conflicts.reversed(2, 'yield', otherWriter, ruled('yield'), NOW)
  return conflicts
}

describe('a conflict', () => {
  it('is there after the third reversal, and only of that NIC', () => {
    const conflicts = new Conflicts()
    const verdicts = [1, 2, 3].map((seconds) =>
      conflicts.reversed(2, 'reassert', 'irqbalance', DEFAULT_SETTINGS, seconds * 1_000),
    )
    expect(verdicts).toEqual([
      { action: 'reassert' },
      { action: 'reassert' },
      { action: 'back-off', reversals: 3, awaySeconds: 3_600, earlier: 0 },
    ])
    expect([2, 3].map((ifindex) => conflicts.isSuspended(ifindex, 4_000))).toEqual([true, false])
  })

  it('is told with the other writer and its end, and exempts the NIC by its name', () => {
    const conflicts = backedOff()
    const why = 'conflict with irqbalance: backed off until 2026-01-01T01:01:00Z'
    expect(conflicts.suspended(GUEST, clockAt(NOW))).toEqual([
      { nic: 'eth2', otherWriter: 'irqbalance', until: '2026-01-01T01:01:00Z', why },
    ])
    expect(conflicts.exemptions(GUEST, clockAt(NOW))).toEqual(new Map([['eth2', { code: 'yielded', why }]]))
  })

  it('by policy has no end, and an unknown writer is told as such', () => {
    expect(yielded('unknown').suspended(GUEST, clockAt(NOW + 100 * HOUR))).toEqual([
      {
        ...{ nic: 'eth2', otherWriter: 'unknown', until: null },
        why: 'changed by an unknown writer: suspended by on-conflict',
      },
    ])
  })

  it('is over when its time is, and then no longer told', () => {
    const conflicts = backedOff()
    expect(conflicts.isSuspended(2, NOW + HOUR - 1)).toBe(true)
    expect(conflicts.isSuspended(2, NOW + HOUR)).toBe(false)
    expect(conflicts.suspended(GUEST, clockAt(NOW + HOUR))).toEqual([])
  })

  it('wakes the daemon just after the first of them is over', () => {
    expect(new Conflicts().nextReturnMs(NOW)).toBeUndefined()
    expect(yielded().nextReturnMs(NOW)).toBeUndefined()
    const conflicts = backedOff()
    for (let i = 0; i < 3; i++) conflicts.reversed(3, 'reassert', 'tuned', DEFAULT_SETTINGS, NOW + 5_000)
    expect(conflicts.nextReturnMs(NOW + 10_000)).toBe(HOUR - 10_000 + 100)
    expect(conflicts.nextReturnMs(NOW + HOUR)).toBe(5_000 + 100)
  })

  it('does not count for the length of the next one after a quiet time', () => {
    const conflicts = backedOff()
    conflicts.age(DEFAULT_SETTINGS, NOW + HOUR + 1)
    expect(conflicts.all[0]?.backoffs).toBe(1)
    conflicts.age(DEFAULT_SETTINGS, NOW + 2 * HOUR + 1)
    expect(conflicts.all[0]?.backoffs).toBe(0)
  })

  it('is restored as it was kept', () => {
    const other = new Conflicts()
    other.restore(backedOff().all)
    expect(other.isSuspended(2, NOW)).toBe(true)
  })
})

describe('a conflict ends', () => {
  it('with the policy that it came from', () => {
    const conflicts = yielded()
    conflicts.keepFitting(GUEST, ruled('yield'))
    expect(conflicts.isSuspended(2, NOW)).toBe(true)
    conflicts.keepFitting(GUEST, ruled('report'))
    expect(conflicts.isSuspended(2, NOW)).toBe(false)
  })

  it('with an apply of an administrator after it began, not with one before', () => {
    const entry = { virtio: 'virtio2', ifindex: 2, name: 'eth2', mac: '', at: '' }
    const conflicts = backedOff()
    conflicts.resume({ entries: [entry] })
    conflicts.resume({ entries: [{ ...entry, resumedMs: NOW }] })
    conflicts.resume({ entries: [{ ...entry, ifindex: 3, resumedMs: NOW + 1 }] })
    expect(conflicts.isSuspended(2, NOW)).toBe(true)
    conflicts.resume({ entries: [{ ...entry, resumedMs: NOW + 1 }] })
    expect(conflicts.all).toEqual([])
  })

  it('for NICs that are gone, of which the latest 64 are remembered', () => {
    const conflicts = new Conflicts()
    for (let ifindex = 2; ifindex < 102; ifindex++)
      conflicts.reversed(ifindex, 'yield', 'tuned', ruled('yield'), NOW)
    conflicts.forgetGone(GUEST)
    const left = conflicts.all.map(({ ifindex }) => ifindex)
    // Two are present.
    expect([left.length, left.slice(0, 3), left.at(-1)]).toEqual([66, [2, 3, 38], 101])
  })
})
