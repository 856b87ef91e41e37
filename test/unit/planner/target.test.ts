import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS, type Settings } from '../../../src/config/settings'
import type { NicSettings } from '../../../src/model'
import { layOut, stripes } from '../../../src/planner/layout'
import { planGuest, stepsOf } from '../../../src/planner/plan'
import { desiredState, maximumMatters, targetChannels, usableCpus } from '../../../src/planner/target'
import { guestOf, nicOf, takeStep } from '../../support/simulated-kernel'

const AUTOMATIC: NicSettings = {
  enabled: true,
  cap: undefined,
  channels: undefined,
  onConflict: 'reassert',
  switches: {},
}
const cpus = (online: number[], isolated: number[] = []) => ({ online, isolated })
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe('target', () => {
  it.each([
    { online: 4, maximum: 8, settings: {}, channels: 4, limitedBy: 'vcpus' },
    { online: 4, maximum: 4, settings: {}, channels: 4, limitedBy: 'vcpus' },
    { online: 8, maximum: 4, settings: {}, channels: 4, limitedBy: 'host' },
    { online: 8, maximum: 8, settings: { cap: 2 }, channels: 2, limitedBy: 'policy' },
    { online: 8, maximum: 2, settings: { cap: 2 }, channels: 2, limitedBy: 'host' },
    { online: 4, maximum: 8, settings: { channels: 6 }, channels: 4, limitedBy: 'vcpus' },
    { online: 8, maximum: 8, settings: { channels: 3 }, channels: 3, limitedBy: 'policy' },
    { online: 300, maximum: 300, settings: {}, channels: 256, limitedBy: 'driver' },
    { online: 1, maximum: undefined, settings: {}, channels: 1, limitedBy: 'vcpus' },
    { online: 2, maximum: 0, settings: {}, channels: 1, limitedBy: 'host' },
  ] as const)('of $online vCPUs, maximum $maximum, $settings is $channels by $limitedBy', (row) => {
    const target = targetChannels(
      cpus(upTo(row.online)),
      'avoid',
      { ...AUTOMATIC, ...row.settings },
      row.maximum,
    )
    expect(target).toEqual({ channels: row.channels, limitedBy: row.limitedBy })
  })

  it('leaves isolated vCPUs out, unless told to use them or given a fixed count', () => {
    const guest = cpus(upTo(8), [2, 3, 4, 5, 6, 7])
    expect(targetChannels(guest, 'avoid', AUTOMATIC, 8)).toEqual({ channels: 2, limitedBy: 'isolated' })
    expect(targetChannels(guest, 'use', AUTOMATIC, 8)).toEqual({ channels: 8, limitedBy: 'vcpus' })
    expect(targetChannels(guest, 'avoid', { ...AUTOMATIC, channels: 4 }, 8)).toEqual({
      channels: 4,
      limitedBy: 'policy',
    })
  })

  it('uses all vCPUs when all are isolated: something has to take the interrupts', () => {
    expect(usableCpus(cpus([0, 1], [0, 1]), 'avoid')).toEqual([0, 1])
    expect(usableCpus(cpus([0, 1], [1]), 'avoid')).toEqual([0])
  })

  it('needs the maximum only when it can change the outcome', () => {
    const online = upTo(4)
    const asked = (current: number, settings: NicSettings) =>
      maximumMatters(nicOf({ ifindex: 2, maximum: 8, current }, online), cpus(online), 'avoid', settings)
    expect(asked(4, AUTOMATIC)).toBe(false)
    expect(asked(2, AUTOMATIC)).toBe(true)
    expect(asked(2, { ...AUTOMATIC, cap: 2 })).toBe(false)
    expect(asked(2, { ...AUTOMATIC, enabled: false })).toBe(false)
  })

  it('keeps the channels of a NIC with an obstacle and lays those out', () => {
    const online = upTo(4)
    const nic = {
      ...nicOf({ ifindex: 2, maximum: 4, current: 2 }, online),
      obstacle: { code: 'xdp', why: 'test' } as const,
    }
    const desired = desiredState(nic, cpus(online), 'avoid', AUTOMATIC, new Map())
    expect(desired).toMatchObject({ idealChannels: 4, target: 2, limitedBy: 'xdp' })
    expect(desired.groups.map((group) => group.irq)).toEqual([
      [0, 1],
      [2, 3],
    ])
  })

  it('has at most what the guard allows, which needs no maximum', () => {
    const online = upTo(4)
    const allowed = (regressionHold: number, maximum: number | undefined) => {
      const nic = { ...nicOf({ ifindex: 2, maximum: 4 }, online), channels: { current: 4, maximum } }
      const { target, limitedBy } = desiredState(
        nic,
        cpus(online),
        'avoid',
        AUTOMATIC,
        new Map(),
        regressionHold,
      )
      return [target, limitedBy]
    }
    expect(allowed(4, 4)).toEqual([4, 'vcpus'])
    expect(allowed(5, 4)).toEqual([4, 'vcpus'])
    expect(allowed(1, 4)).toEqual([1, 'guard'])
    expect(allowed(1, undefined)).toEqual([1, 'guard'])
  })

  it('calls a driver without a maximum unsupported only when a change would be wanted', () => {
    const online = upTo(4)
    const mute = (current: number) => {
      const nic = nicOf({ ifindex: 2, maximum: 4, current }, online)
      return { ...nic, channels: { current, maximum: undefined } }
    }
    expect(desiredState(mute(2), cpus(online), 'avoid', AUTOMATIC, new Map())).toMatchObject({
      target: 2,
      limitedBy: 'unsupported',
    })
    expect(desiredState(mute(4), cpus(online), 'avoid', AUTOMATIC, new Map()).limitedBy).toBe('vcpus')
  })
})

describe('layout', () => {
  it('is the kernel striping for one NIC: the first groups are larger', () => {
    expect(stripes(3, [0, 1, 2, 3, 4, 5, 6, 7], 0)).toEqual([
      [0, 1, 2],
      [3, 4, 5],
      [6, 7],
    ])
  })

  it.each([
    { shift: 0, sizes: [3, 2, 2, 2] },
    { shift: 1, sizes: [2, 3, 2, 2] },
    { shift: 3, sizes: [2, 2, 2, 3] },
  ])('moves the larger group by shift $shift', ({ shift, sizes }) => {
    const groups = stripes(4, upTo(9), shift)
    expect(groups.map((group) => group.length)).toEqual(sizes)
    expect(groups.flat()).toEqual(upTo(9))
  })

  it('lets CPUs that take no interrupts send through the queues in turn, in ascending order', () => {
    const groups = layOut(2, [1, 11], cpus([0, 1, 2, 9, 11]), new Map())
    expect(groups).toEqual([
      { irq: [1], xps: [0, 1, 9] },
      { irq: [11], xps: [2, 11] },
    ])
  })

  it('puts the larger group where no NIC is yet, also on CPUs that earlier NICs could not use', () => {
    const load = new Map()
    const guest = cpus(upTo(5), [0, 1, 2])
    layOut(2, [3, 4], guest, load)
    expect([...load]).toEqual([
      [3, 1],
      [4, 1],
    ])
    expect(layOut(4, upTo(5), guest, load).map(({ irq }) => irq)).toEqual([[0], [1], [2], [3, 4]])
  })

  it('weighs what a NIC adds as what is there: the larger group may go to a busy CPU', () => {
    const busy = new Map([
      [1, 0.7],
      [2, 0.15],
    ])
    expect(layOut(3, upTo(4), cpus(upTo(4)), busy).map(({ irq }) => irq)).toEqual([[0, 1], [2], [3]])
    // One CPU with a queue is enough to go elsewhere.
    expect(layOut(2, upTo(3), cpus(upTo(3)), new Map([[2, 1]])).map(({ irq }) => irq)).toEqual([[0], [1, 2]])
  })

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

  it('lets isolated vCPUs send but take no interrupt', () => {
    const online = upTo(4)
    const desired = desiredState(
      nicOf({ ifindex: 2, maximum: 4 }, online),
      cpus(online, [2, 3]),
      'avoid',
      AUTOMATIC,
      new Map(),
    )
    expect(desired.groups).toEqual([
      { irq: [0], xps: [0, 2] },
      { irq: [1], xps: [1, 3] },
    ])
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
          const pool = usableCpus(guest.cpus, settings.isolated)
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
