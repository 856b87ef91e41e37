import { describe, expect, it } from 'vitest'
import type { LimitingFactor, ObservedNic, RegressionHold, Step } from '../../../src/model'
import { openSystem, type System } from '../../../src/system/system'
import { channels } from '../../../src/tunables/channels'
import { erased } from '../../../src/tunables/erased'
import { contextOf, desired, NIC, thrownBy } from '../../support/nic-context'

const HOLD: RegressionHold = {
  ...{ from: 4, to: 2, confirmed: true, vcpus: 4, policy: '', why: 'with 4 channels it was worse', at: '' },
}
const withObstacle = { ...NIC, obstacle: { code: 'xdp', why: 'an XDP program is attached' } } as const
const nothing = { steps: [], skips: [], notes: [] }
const plan = erased(channels).plan

describe('channels', () => {
  it.each<[LimitingFactor, RegressionHold | undefined, string]>([
    ['vcpus', undefined, 'one queue pair for each of 2 online vCPUs'],
    ['host', undefined, 'the host exposes 4 queue pairs'],
    ['isolated', undefined, 'one queue pair for each of 2 vCPUs that are not isolated'],
    ['policy', undefined, 'set by the configuration'],
    ['driver', undefined, 'the maximum that the driver accepts'],
    ['guard', HOLD, 'reduced by the guard: with 4 channels it was worse'],
    ['guard', { ...HOLD, confirmed: false }, 'the guard is comparing: with 4 channels it was worse'],
  ])('limited by %s, says so', (limitedBy, regressionHold, reason) => {
    const more = regressionHold === undefined ? {} : { regressionHold }
    expect(plan(contextOf(NIC, desired(2, limitedBy), more))).toEqual({
      ...nothing,
      steps: [
        {
          ...{ tunable: 'channels', nic: 'eth2', ifindex: 2, key: 'combined', label: 'channels' },
          ...{ file: undefined, old: '4', new: '2', reason },
        },
      ],
    })
  })

  it('have nothing to say when the NIC has what it should', () => {
    expect(plan(contextOf(NIC, desired(4)))).toEqual(nothing)
    expect(plan(contextOf(withObstacle, desired(4)))).toEqual(nothing)
  })

  it('name what keeps the NIC from more', () => {
    const skip = (nic: ObservedNic, limitedBy: LimitingFactor, regressionHold?: RegressionHold) =>
      plan(contextOf(nic, desired(4, limitedBy, 8), regressionHold === undefined ? {} : { regressionHold }))
    const skipped = (code: string, why: string) => ({
      ...nothing,
      skips: [{ nic: 'eth2', tunable: 'channels', code, why }],
    })
    expect(skip(withObstacle, 'xdp')).toEqual(skipped('xdp', 'an XDP program is attached'))
    expect(skip(NIC, 'unsupported')).toEqual(
      skipped('unsupported', 'the driver reports no maximum number of channels'),
    )
    expect(skip(withObstacle, 'xdp', HOLD)).toEqual(skipped('xdp', 'an XDP program is attached'))
    expect(skip(NIC, 'guard', HOLD)).toEqual(
      skipped('guard', 'reduced by the guard: with 4 channels it was worse; vqtune apply eth2 tries 4 again'),
    )
    expect(skip(NIC, 'guard', { ...HOLD, confirmed: false })).toEqual(
      skipped('guard', 'the guard is comparing: with 4 channels it was worse'),
    )
  })
})

describe('setting channels', () => {
  const systemOf = (code: number, stderr: string, xdp = false) => {
    const calls: unknown[][] = []
    const system: System = Object.assign(Object.create(openSystem('/nowhere')), {
      findTool: (tool: string) => `/usr/sbin/${tool}`,
      run: async (...call: unknown[]) => {
        calls.push(call)
        if (call[0] !== 'ip') return { code, stdout: '', stderr }
        const links = JSON.stringify([{ ifname: 'eth2', xdp: { mode: xdp ? 1 : 0 } }])
        return { code: 0, stdout: links, stderr: '' }
      },
    })
    return { system, calls }
  }
  const step: Step = {
    ...{ tunable: 'channels', nic: 'eth2', ifindex: 2, key: 'combined', label: 'channels' },
    ...{ file: undefined, old: '4', new: '2', reason: '' },
  }

  it('is one ethtool, with a time limit', async () => {
    const { system, calls } = systemOf(0, '')
    expect(await thrownBy(() => channels.write(system, step, 2))).toBe('nothing')
    expect(calls).toEqual([['ethtool', ['-L', 'eth2', 'combined', '2'], { timeoutMs: 15_000 }]])
  })

  it.each<[string, string]>([
    ['combined unmodified, ignoring\nno channel parameters changed', 'nothing'],
    [
      'netlink error: Operation not permitted',
      'permission: eth2: setting channels needs CAP_NET_ADMIN (Operation not permitted)',
    ],
    [
      'netlink error: no device matches name (offset 24)',
      'vanished: eth2: the NIC went away while its channels were set',
    ],
    [
      'netlink error: requested channel counts are too low for existing indirection table settings',
      'refused as rss-table: the kernel refused 2 channels (kernel: requested channel counts are too low for existing indirection table settings)',
    ],
    [
      'Cannot set device channel parameters: Operation not supported',
      'refused as unsupported: the kernel refused 2 channels (kernel: Operation not supported)',
    ],
    [
      'netlink error: Invalid argument',
      'tool-failed: eth2: channels 4 -> 2 refused by the kernel: Invalid argument',
    ],
  ])('that fails with %j is explained', async (stderr, thrown) => {
    expect(await thrownBy(() => channels.write(systemOf(1, stderr).system, step, 2))).toBe(thrown)
  })

  it('refused without a reason while an XDP program is attached, is refused by that', async () => {
    const why = 'refused as xdp: an XDP program is attached: the driver refuses other channels (kernel: '
    const bare = 'netlink error: Invalid argument'
    expect(await thrownBy(() => channels.write(systemOf(1, bare, true).system, step, 2))).toBe(
      `${why}Invalid argument)`,
    )
    const { system, calls } = systemOf(1, 'netlink error: XDP in use')
    expect(await thrownBy(() => channels.write(system, step, 2))).toBe(`${why}XDP in use)`)
    expect(calls).toHaveLength(1)
  })
})
