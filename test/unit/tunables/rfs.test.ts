import { describe, expect, it } from 'vitest'
import type { ObservedNic } from '../../../src/model'
import { erased } from '../../../src/tunables/erased'
import { rfs } from '../../../src/tunables/rfs'
import { contextOf, desired, NIC, ONLINE, writingSystem } from '../../support/nic-context'
import { withChannels } from '../../support/simulated-kernel'

const plan = erased(rfs).plan
const withTables = (nic: ObservedNic, ...tables: string[]): ObservedNic => ({
  ...nic,
  settings: [
    ...nic.settings,
    ...tables.map((value, queue) => ({
      ...{ tunable: 'rfs', key: `queue ${queue}`, value, label: `queue ${queue} RFS` },
      file: `/sys/class/net/${nic.name}/queues/rx-${queue}/rps_flow_cnt`,
    })),
  ],
})
/** As many queues as the host allows, for four vCPUs. */
const limitedTo = (count: number): ObservedNic => ({
  ...withChannels(NIC, count, ONLINE),
  channels: { current: count, maximum: count },
})
const planOf = (nic: ObservedNic, mode: string, flowEntries: number | undefined, target = 2) =>
  plan({ ...contextOf(nic, desired(target, 'host'), { switches: { rfs: mode } }), flowEntries })
const steps = (...args: Parameters<typeof planOf>) =>
  planOf(...args).steps.map(({ key, old, new: value, reason }) => [key, old, value, reason])

describe('RFS', () => {
  it('"keep", the default, changes nothing, whatever is left over', () => {
    const nothing = { steps: [], skips: [], notes: [] }
    expect(plan(contextOf(withTables(limitedTo(2), '4096', '0'), desired(2, 'host')))).toEqual(nothing)
    expect(planOf(withTables(limitedTo(2), '4096', '0'), 'keep', 32_768)).toEqual(nothing)
  })

  it('"spread" gives each queue of a NIC that the host limits its share of the table', () => {
    const why = '1/2 of the 32768 entries of net.core.rps_sock_flow_entries'
    expect(steps(withTables(limitedTo(2), '0', '4096'), 'spread', 32_768)).toEqual([
      ['queue 0', '0', '16384', why],
      ['queue 1', '4096', '16384', why],
    ])
    expect(steps(withTables(limitedTo(2), '16384', '16384'), 'spread', 32_768)).toEqual([])
    expect(steps(withTables(limitedTo(1), '0'), 'spread', 32_768, 1).map(([, , value]) => value)).toEqual([
      '32768',
    ])
  })

  it('asks for what the kernel rounds up to, so that it reads back as asked for', () => {
    const third = (entries: number) =>
      steps(withTables(limitedTo(3), '0', '0', '0'), 'spread', entries, 3).map(([, , value]) => value)
    expect(third(32_768)).toEqual(['16384', '16384', '16384'])
    expect(third(4)).toEqual(['1', '1', '1'])
    expect(third(1)).toEqual(['1', '1', '1'])
    expect(third(2 ** 29)).toEqual(Array(3).fill(String(2 ** 28)))
  })

  it('"spread" leaves a guest without a table to its administrator, with the line that makes one', () => {
    expect(planOf(withTables(limitedTo(2), '4096', '0'), 'spread', 0)).toEqual({
      ...{ steps: [], notes: [] },
      skips: [
        {
          ...{ nic: 'eth2', tunable: 'rfs', code: 'no-flow-table' },
          why: expect.stringMatching(
            /^net\.core\.rps_sock_flow_entries is 0, so RFS does nothing.*: sysctl -w net\.core\.rps_sock_flow_entries=32768,/,
          ),
        },
      ],
    })
  })

  it('"spread" says that the kernel has none', () => {
    const skips = [{ nic: 'eth2', tunable: 'rfs', code: 'no-rfs', why: expect.any(String) }]
    expect(planOf(withTables(limitedTo(2), '0', '0'), 'spread', undefined)).toMatchObject({
      steps: [],
      skips,
    })
    expect(planOf(limitedTo(2), 'spread', 32_768)).toMatchObject({ steps: [], skips })
  })

  it('"spread" clears a NIC that the host does not limit, as "off" clears any, also without a table', () => {
    expect(steps(withTables(NIC, '4096', '0', '0', '0'), 'spread', 0, 4)).toEqual([
      ['queue 0', '4096', '0', 'the host exposes enough queue pairs'],
    ])
    for (const entries of [undefined, 0, 32_768])
      expect(steps(withTables(limitedTo(2), '4096', '0'), 'off', entries)).toEqual([
        ['queue 0', '4096', '0', 'set by the configuration'],
      ])
  })

  it('is read and written as a number of the receive queue, and restored as it was', () => {
    const { system, written } = writingSystem()
    const shown: Record<string, string> = { 'rx-0': 'none\n', 'rx-1': '16384\n' }
    Object.assign(system, {
      readText: (path: string) => shown[/rx-\d(?=\/rps_flow_cnt$)/.exec(path)?.[0] ?? ''],
    })
    const file = '/t/sys/class/net/eth2/queues/rx-1/rps_flow_cnt'
    expect(rfs.read(system, limitedTo(2))).toEqual([
      { key: 'queue 1', value: 16_384, label: 'queue 1 RFS', file },
    ])
    const nic = withTables(limitedTo(2), '16384')
    const setting = nic.settings.find(({ tunable }) => tunable === 'rfs')
    const step = setting && erased(rfs).restore(nic, setting, '0', ONLINE, 'original value')
    if (step === undefined) throw new Error('no step')
    void erased(rfs).write(system, step)
    expect(written).toEqual([['/sys/class/net/eth2/queues/rx-0/rps_flow_cnt', '0']])
    expect(erased(rfs).isValue('-1')).toBe(false)
  })
})
