import { describe, expect, it } from 'vitest'
import { VqtuneError } from '../../../src/errors'
import type { ObservedGuest } from '../../../src/model'
import { findNic, nicByIndex } from '../../../src/planner/find-nic'
import { guestOf, nicOf } from '../../support/simulated-kernel'

const ONLINE = [0, 1, 2, 3]
const FIRST = nicOf({ ifindex: 2, maximum: 4 }, ONLINE)
const SECOND = nicOf({ ifindex: 3, maximum: 4 }, ONLINE)

it('a NIC is found by its index', () => {
  const guest = guestOf(ONLINE, [FIRST, SECOND])
  expect([2, 3, 4, undefined].map((ifindex) => nicByIndex(guest, ifindex))).toEqual([
    FIRST,
    SECOND,
    undefined,
    undefined,
  ])
})

describe('the NIC that a user named', () => {
  const guest: ObservedGuest = {
    ...guestOf(ONLINE, [{ ...FIRST, altnames: ['enp1s0', 'wan'] }, SECOND]),
    ignored: [{ name: 'bond0', kind: 'bond-master', why: 'it has no queues of its own' }],
  }
  const problem = (name: string, of = guest): VqtuneError => {
    try {
      findNic(of, name)
    } catch (error) {
      if (error instanceof VqtuneError) return error
    }
    throw new Error(`${name} was found`)
  }

  it('is found by interface name, virtio name and altname', () => {
    for (const name of ['eth2', 'virtio2', 'enp1s0', 'wan']) expect(findNic(guest, name).ifindex).toBe(2)
    for (const name of ['eth3', 'virtio3']) expect(findNic(guest, name).ifindex).toBe(3)
  })

  it('is explained when it is none', () => {
    expect(problem('bond0')).toMatchObject({
      kind: 'usage',
      message: 'bond0 is not tuned: it has no queues of its own',
    })
    expect(problem('eth9')).toMatchObject({
      kind: 'usage',
      message: 'eth9: no such virtio-net NIC; there are eth2, eth3',
    })
    expect(problem('eth9', guestOf(ONLINE, [])).message).toBe(
      'eth9: no such virtio-net NIC; this guest has none',
    )
  })
})
