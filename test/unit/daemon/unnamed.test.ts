import { mkdirSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { UnnamedNics } from '../../../src/daemon/unnamed'
import { guestOf, nicOf } from '../../support/simulated-kernel'
import { systemWith } from '../../support/systems'

const ONLINE = [0, 1]
const [ETH2, ETH3] = [2, 3].map((ifindex) => nicOf({ ifindex, maximum: 2 }, ONLINE))
const BOTH = guestOf(
  ONLINE,
  [ETH2, ETH3].flatMap((nic) => nic ?? []),
)
const ONE = guestOf(
  ONLINE,
  [ETH2].flatMap((nic) => nic ?? []),
)
const LIMIT_MS = 5_000

/** udev runs; it has named eth3. */
function setUp() {
  const system = systemWith({ '/run/udev/data/n3': '' })
  const unnamed = new UnnamedNics(system)
  const lookAt = (now: number, guest = BOTH) => {
    unnamed.look(guest, LIMIT_MS, now)
    return [...unnamed.exemptions(guest).keys()]
  }
  return { unnamed, lookAt, name: () => writeFileSync(`${system.paths.root}/run/udev/data/n2`, '') }
}

describe('a NIC that udev has not named', () => {
  it('is left alone for as long as it is waited for, and looked at again soon', () => {
    const { unnamed, lookAt } = setUp()
    expect(lookAt(1_000)).toEqual(['eth2'])
    expect(unnamed.exemptions(BOTH).get('eth2')).toEqual({
      code: 'unnamed',
      why: 'udev has not processed the interface yet',
    })
    expect(unnamed.nextMs).toBe(250)
    expect(lookAt(5_999)).toEqual(['eth2'])
    expect(lookAt(6_000)).toEqual([])
    expect(unnamed.nextMs).toBeUndefined()
  })

  it('is tuned once it has a name', () => {
    const { unnamed, lookAt, name } = setUp()
    lookAt(1_000)
    name()
    expect(lookAt(1_250)).toEqual([])
    expect(unnamed.nextMs).toBeUndefined()
  })

  it('is waited for anew when it was away', () => {
    const { lookAt } = setUp()
    lookAt(0, ONE)
    lookAt(4_000, guestOf(ONLINE, []))
    expect(lookAt(8_000, ONE)).toEqual(['eth2'])
  })

  it('is nothing to wait for in a guest without udev', () => {
    const system = systemWith({})
    const unnamed = new UnnamedNics(system)
    unnamed.look(BOTH, LIMIT_MS, 0)
    expect([unnamed.exemptions(BOTH).size, unnamed.nextMs]).toEqual([0, undefined])
    mkdirSync(`${system.paths.root}/run/udev/data`, { recursive: true })
    unnamed.look(BOTH, LIMIT_MS, 0)
    expect(unnamed.exemptions(BOTH).size).toBe(2)
  })
})
