import { describe, expect, it } from 'vitest'
import type { DesiredNic, ObservedNic } from '../../../src/model'
import { erased } from '../../../src/tunables/erased'
import { rps } from '../../../src/tunables/rps'
import { contextOf, desired, NIC, ONLINE, writingSystem } from '../../support/nic-context'
import { withChannels } from '../../support/simulated-kernel'

const plan = erased(rps).plan
const withMasks = (nic: ObservedNic, ...masks: string[]): ObservedNic => ({
  ...nic,
  settings: [
    ...nic.settings,
    ...masks.map((value, queue) => ({
      ...{ tunable: 'rps', key: `queue ${queue}`, value, label: `queue ${queue} RPS` },
      file: `/sys/class/net/${nic.name}/queues/rx-${queue}/rps_cpus`,
    })),
  ],
})
/** Two queues for four vCPUs, as the host allows. */
const limited = { ...withChannels(NIC, 2, ONLINE), channels: { current: 2, maximum: 2 } }
const pairs: DesiredNic = {
  ...desired(2, 'host'),
  groups: [
    [0, 1],
    [2, 3],
  ].map((cpus) => ({ irq: cpus, xps: cpus })),
}
const masksOf = (nic: ObservedNic, mode: string, wish = pairs, usable = ONLINE) =>
  plan({ ...contextOf(nic, wish, { switches: { rps: mode } }), usable }).steps.map(
    ({ key, old, new: value, reason }) => [key, old, value, reason],
  )

describe('RPS', () => {
  it('"keep", the default, changes nothing, and tells what was left behind beside several queues', () => {
    const left = plan(contextOf(withMasks(limited, '0-3', ''), pairs))
    expect(left).toEqual({
      ...{ steps: [], skips: [] },
      notes: ["RPS is on for queue 0 (rps_cpus): it moves packets away from the queue's own vCPU"],
    })
    expect(plan(contextOf(withMasks(limited, '', ''), pairs)).notes).toEqual([])
    const single = withMasks(withChannels(NIC, 1, ONLINE), '1-3')
    expect(plan(contextOf(single, desired(1)))).toEqual({ steps: [], skips: [], notes: [] })
  })

  it('"spread" gives each queue of a NIC that the host limits the vCPUs that have none', () => {
    const why = 'the host exposes fewer queue pairs than vCPUs:'
    expect(masksOf(withMasks(limited, '', ''), 'spread')).toEqual([
      ['queue 0', '', '1', `${why} CPU 1 helps queue 0`],
      ['queue 1', '', '3', `${why} CPU 3 helps queue 1`],
    ])
    expect(masksOf(withMasks(limited, '1', '3'), 'spread')).toEqual([])
  })

  it('"spread" never uses isolated vCPUs, and leaves a queue without help where none is left', () => {
    const wish = {
      ...pairs,
      groups: [[0, 1], [2]].map((irq, i) => ({ irq, xps: i === 0 ? [0, 1, 3] : [2] })),
    }
    expect(
      masksOf(withMasks(limited, '', '0-3'), 'spread', wish, [0, 1, 2]).map(([, , value, why]) => [
        value,
        why,
      ]),
    ).toEqual([
      ['1', 'the host exposes fewer queue pairs than vCPUs: CPU 1 helps queue 0'],
      ['', 'no vCPU is left to help queue 1'],
    ])
  })

  it('"spread" clears a NIC that has a queue for each vCPU, or whose maximum nobody had to ask for', () => {
    expect(masksOf(withMasks(NIC, '0-3'), 'spread', desired(4))).toEqual([
      ['queue 0', '0-3', '', 'no vCPU is left to help queue 0'],
    ])
    // A queue beyond the layout, which goes with the channels.
    const beyond = { ...pairs, groups: pairs.groups.slice(0, 1) }
    expect(
      masksOf(withMasks(limited, '1', '3'), 'spread', beyond).map(([key, , value]) => [key, value]),
    ).toEqual([['queue 1', '']])
    const unasked = { ...limited, channels: { current: 2, maximum: undefined } }
    expect(masksOf(withMasks(unasked, '1'), 'spread').map(([, , value]) => value)).toEqual([''])
  })

  it('"off" clears it', () => {
    expect(masksOf(withMasks(limited, '0-3', ''), 'off')).toEqual([
      ['queue 0', '0-3', '', 'set by the configuration'],
    ])
  })

  it('is read and written as a mask of the receive queue', () => {
    const { system, written } = writingSystem()
    Object.assign(system, {
      readText: (path: string) => (path.endsWith('/rx-1/rps_cpus') ? '00000000,0000000a\n' : undefined),
    })
    const file = '/t/sys/class/net/eth2/queues/rx-1/rps_cpus'
    expect(rps.read(system, limited)).toEqual([{ key: 'queue 1', value: [1, 3], label: 'queue 1 RPS', file }])
    const [step] = plan(contextOf(withMasks(limited, ''), pairs, { switches: { rps: 'spread' } })).steps
    if (step === undefined) throw new Error('no step')
    void rps.write(system, step, [1])
    void rps.write(system, step, [])
    expect(written.map(([, text]) => text)).toEqual(['2', '0'])
  })
})
