import { describe, expect, it } from 'vitest'
import type { NicSettings } from '../../../src/model'
import { desiredState, maximumMatters, targetChannels, usableCpus } from '../../../src/planner/target'
import { nicOf } from '../../support/simulated-kernel'

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
