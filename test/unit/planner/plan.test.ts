import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS, type NicRule, type Settings } from '../../../src/config/settings'
import type { ObservedNic } from '../../../src/model'
import { planGuest, skipsOf, stepsOf } from '../../../src/planner/plan'
import { guestOf, nicOf, takeStep, withSetting } from '../../support/simulated-kernel'

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe('a plan', () => {
  it('gives the larger groups of a second NIC to other vCPUs', () => {
    const online = upTo(5)
    const nics = [nicOf({ ifindex: 2, maximum: 2 }, online), nicOf({ ifindex: 3, maximum: 2 }, online)]
    const groups = planGuest(guestOf(online, nics), DEFAULT_SETTINGS).map(({ desired }) =>
      desired.groups.map((group) => group.irq),
    )
    expect(groups).toEqual([
      [
        [0, 1, 2],
        [3, 4],
      ],
      [
        [0, 1],
        [2, 3, 4],
      ],
    ])
  })

  const ONLINE = [0, 1, 2, 3]
  /** Two channels where four are wanted. */
  const slow = nicOf({ ifindex: 2, maximum: 4, current: 2 }, ONLINE)
  const other = nicOf({ ifindex: 3, maximum: 4, current: 1 }, ONLINE)
  const guest = guestOf(ONLINE, [slow, other])
  const ruled = (...rules: NicRule[]): Settings => ({ ...DEFAULT_SETTINGS, rules })
  const shown = (steps: ReturnType<typeof stepsOf>) =>
    steps.map(({ nic, tunable, old, new: value }) => `${nic} ${tunable} ${old} -> ${value}`)

  it('has the steps of each NIC, and skips none by default', () => {
    const plans = planGuest(guest, DEFAULT_SETTINGS)
    expect(shown(stepsOf(plans))).toEqual(['eth2 channels 2 -> 4', 'eth3 channels 1 -> 4'])
    expect(skipsOf(plans)).toEqual([])
  })

  it('leaves a NIC alone that the configuration disables, before any other reason', () => {
    const off = ruled({ match: { virtio: 'virtio2' }, settings: { enabled: false }, source: 'f:1' })
    const held = new Map([['eth2', { code: 'held' as const, why: 'rolled back' }]])
    const plans = planGuest(guest, off, held)
    expect(shown(stepsOf(plans))).toEqual(['eth3 channels 1 -> 4'])
    expect(skipsOf(plans)).toEqual([
      { nic: 'eth2', tunable: undefined, code: 'disabled', why: 'enabled = false in the configuration' },
    ])
  })

  it('leaves a NIC alone that is exempted, by its name', () => {
    const held = new Map([['eth3', { code: 'held' as const, why: 'rolled back' }]])
    const plans = planGuest(guest, DEFAULT_SETTINGS, held)
    expect(shown(stepsOf(plans))).toEqual(['eth2 channels 2 -> 4'])
    expect(skipsOf(plans)).toEqual([{ nic: 'eth3', tunable: undefined, code: 'held', why: 'rolled back' }])
  })

  it('does not ignore a rule of which it is unknown whether it matches', () => {
    const unknown = guestOf(ONLINE, [slow, { ...other, isIdentified: true }])
    const rule = { match: { name: 'lan*' }, settings: { channels: 1 }, source: '/etc/vqtune/vqtune.toml:7' }
    const plans = planGuest(unknown, ruled(rule))
    expect(shown(stepsOf(plans))).toEqual(['eth3 channels 1 -> 4'])
    expect(skipsOf(plans)).toEqual([
      {
        nic: 'eth2',
        tunable: undefined,
        code: 'undecided-rule',
        why: 'ip fails, so it is unknown whether the rule in /etc/vqtune/vqtune.toml:7 applies to it',
      },
    ])
  })

  it('gives a NIC the channels that the guard holds, by interface index', () => {
    const conditions = { confirmed: true, vcpus: 4, policy: '', why: 'worse', at: '2026-01-01T00:00:00Z' }
    const holds = new Map([[3, { channels: { ...conditions, from: 4, to: 1 }, settings: {} }]])
    const plans = planGuest(guest, DEFAULT_SETTINGS, new Map(), holds)
    expect(shown(stepsOf(plans))).toEqual(['eth2 channels 2 -> 4'])
    expect(skipsOf(plans).map(({ nic, tunable, code }) => [nic, tunable, code])).toEqual([
      ['eth3', 'channels', 'guard'],
    ])
  })

  it('restores what a killed trial left and the configuration leaves alone', () => {
    const masks = { tunable: 'rps', key: 'queue 0', label: 'queue 0 RPS', file: undefined }
    const fast = nicOf({ ifindex: 2, maximum: 2 }, ONLINE)
    const left: ObservedNic = { ...fast, settings: [...fast.settings, { ...masks, value: '2' }] }
    const before = new Map([[2, { rps: { 'queue 0': '' } }]])
    const stepsWith = (nic: ObservedNic, settings: Settings = DEFAULT_SETTINGS) =>
      stepsOf(planGuest(guestOf(ONLINE, [nic]), settings, new Map(), new Map(), before))
    expect(stepsWith(left)).toMatchObject([
      { tunable: 'rps', old: '2', new: '', reason: 'as it was before a trial that was killed' },
    ])
    expect(stepsWith(withSetting(left, 'rps', 'queue 0', ''))).toEqual([])
    const off = ruled({ match: {}, settings: { enabled: false }, source: 'f:1' })
    expect(stepsWith(left, off)).toEqual([])
  })
})

/** Any guest: holes in the vCPU set, isolated ones, several NICs in any state, any policy. */
const anyGuest = fc
  .record({
    online: fc.uniqueArray(fc.integer({ min: 0, max: 320 }), { minLength: 1, maxLength: 90 }),
    isolatedShare: fc.double({ min: 0, max: 1, noNaN: true }),
    nics: fc.array(
      fc.record({
        maximum: fc.integer({ min: 1, max: 256 }),
        currentShare: fc.double({ min: 0, max: 1, noNaN: true }),
        layout: fc.constantFrom('per-queue', 'shared', 'intx', 'mmio', 'ccw', 'unknown'),
      }),
      { maxLength: 6 },
    ),
    cap: fc.option(fc.integer({ min: 1, max: 256 }), { nil: undefined }),
    channels: fc.option(fc.integer({ min: 1, max: 256 }), { nil: undefined }),
    isolated: fc.constantFrom('avoid', 'use'),
  })
  .map(({ online, isolatedShare, nics, cap, channels, isolated }) => {
    const sorted = online.sort((a, b) => a - b)
    const settings: Settings = {
      ...DEFAULT_SETTINGS,
      isolated: isolated as 'avoid' | 'use',
      rules: [{ match: {}, settings: { cap, channels }, source: 'test' }],
    }
    const guest = guestOf(
      sorted,
      nics.map((nic, i) =>
        nicOf(
          {
            ifindex: i + 2,
            maximum: nic.maximum,
            current: 1 + Math.floor(nic.currentShare * (nic.maximum - 1)),
            layout: nic.layout as 'per-queue',
          },
          sorted,
        ),
      ),
      sorted.slice(0, Math.floor(isolatedShare * sorted.length)),
    )
    return { guest, settings, cap, channels }
  })

describe('planner, for any guest', () => {
  it('keeps 1 <= M <= maximum, vCPUs, cap; groups are disjoint and cover what they must', () => {
    fc.assert(
      fc.property(anyGuest, ({ guest, settings, cap, channels }) => {
        for (const { nic, desired } of planGuest(guest, settings)) {
          const limits = [nic.channels.maximum ?? 256, guest.cpus.online.length, cap ?? 256, channels ?? 256]
          expect(desired.target).toBeGreaterThanOrEqual(1)
          expect(desired.target).toBeLessThanOrEqual(Math.min(...limits))
          expect(desired.groups).toHaveLength(desired.target)
          const irqs = desired.groups.flatMap((group) => group.irq)
          const senders = desired.groups.flatMap((group) => group.xps)
          expect(new Set(irqs).size).toBe(irqs.length)
          expect([...senders].sort((a, b) => a - b)).toEqual(guest.cpus.online)
          const free = guest.cpus.online.filter(
            (cpu) => settings.isolated === 'use' || !guest.cpus.isolated.includes(cpu),
          )
          const pool = free.length > 0 ? free : guest.cpus.online
          const wanted = desired.target <= pool.length ? pool : guest.cpus.online
          expect([...irqs].sort((a, b) => a - b)).toEqual(wanted)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('is reached in at most two rounds and then asks for nothing', () => {
    fc.assert(
      fc.property(anyGuest, ({ guest: start, settings }) => {
        let guest = start
        for (let round = 0; round < 2; round++) {
          for (const step of stepsOf(planGuest(guest, settings))) guest = takeStep(guest, step)
        }
        expect(stepsOf(planGuest(guest, settings))).toEqual([])
      }),
      { numRuns: 200 },
    )
  })

  it('does not depend on NICs that come later', () => {
    fc.assert(
      fc.property(anyGuest, ({ guest, settings }) => {
        const all = planGuest(guest, settings).map(({ desired }) => desired)
        const fewer = planGuest({ ...guest, nics: guest.nics.slice(0, -1) }, settings).map(
          ({ desired }) => desired,
        )
        expect(all.slice(0, fewer.length)).toEqual(fewer)
      }),
      { numRuns: 100 },
    )
  })

  it('wants nothing of a freshly probed guest with default policy and even groups', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 128 }), fc.integer({ min: 1, max: 4 }), (count, nicCount) => {
        const online = upTo(count)
        const nics = upTo(nicCount).map((i) => nicOf({ ifindex: i + 2, maximum: 256 }, online))
        expect(stepsOf(planGuest(guestOf(online, nics), DEFAULT_SETTINGS))).toEqual([])
      }),
    )
  })
})
