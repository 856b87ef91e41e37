import { describe, expect, it } from 'vitest'
import { driverGroups } from '../../../src/planner/driver-layout'
import { desiredState } from '../../../src/planner/target'
import { contextOf, desired } from '../../support/nic-context'
import { nicOf } from '../../support/simulated-kernel'

const cpus = { online: [0, 1, 2, 3], isolated: [] }
const pool = cpus.online

/** Expected values as seen by traffic in guests with RHEL 7.7's kernel: test/vm/rhel7.test.ts. */
describe('queues that the driver selects by CPU number', () => {
  it.each([
    ['as many as the maximum and the vCPUs: in order', 4, 4, [[0], [1], [2], [3]]],
    ['as many as the vCPUs of a larger maximum: one further', 4, 8, [[3], [0], [1], [2]]],
    [
      'fewer: in turns, one further',
      2,
      2,
      [
        [1, 3],
        [0, 2],
      ],
    ],
    [
      'fewer than a maximum of one for each vCPU: in turns',
      2,
      4,
      [
        [0, 2],
        [1, 3],
      ],
    ],
    ['three for four vCPUs', 3, 8, [[2], [0, 3], [1]]],
    ['one', 1, 4, [[0, 1, 2, 3]]],
    [
      'an unknown maximum is taken for another number',
      2,
      undefined,
      [
        [1, 3],
        [0, 2],
      ],
    ],
  ])('%s', (_, channels, maximum, groups) => {
    expect(driverGroups(channels, maximum, pool, cpus)).toEqual(
      groups.map((group) => ({ irq: group, xps: group })),
    )
  })

  it('counts the online CPUs, whatever their numbers', () => {
    const holes = { online: [0, 2, 5], isolated: [] }
    expect(driverGroups(3, 4, holes.online, holes).map(({ irq }) => irq)).toEqual([[5], [0], [2]])
  })

  it('has no interrupt on an isolated CPU, not even that of a queue of which only such CPUs send', () => {
    const isolated = { online: [0, 1, 2, 3], isolated: [2, 3] }
    expect(driverGroups(4, 4, [0, 1], isolated)).toEqual([
      { irq: [0], xps: [0] },
      { irq: [1], xps: [1] },
      { irq: [0], xps: [2] },
      { irq: [1], xps: [3] },
    ])
  })

  it('is the desired state of such a NIC, and only of such a one', () => {
    const { settings } = contextOf(nicOf({ ifindex: 2, maximum: 2 }, pool), desired(2))
    const nic = nicOf({ ifindex: 2, maximum: 2 }, pool)
    const groupsOf = (one: typeof nic) =>
      desiredState(one, cpus, 'avoid', settings, new Map()).groups.map(({ irq }) => irq)
    expect(groupsOf(nic)).toEqual([
      [0, 1],
      [2, 3],
    ])
    expect(groupsOf({ ...nic, selectsQueueByCpu: true })).toEqual([
      [1, 3],
      [0, 2],
    ])
  })
})
