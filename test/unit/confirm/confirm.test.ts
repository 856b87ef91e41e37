import { renameSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { watchChange } from '../../../src/confirm/confirm'
import { probeConnectivity } from '../../../src/confirm/connectivity'
import { probeQueues } from '../../../src/confirm/probe-queues'
import { observeGuest } from '../../../src/planner/observe'
import { type GatewayGuest, gatewayGuest, tearDown } from '../../support/gateway-guest'

afterEach(tearDown)

describe('a watch', () => {
  async function noted(guest: GatewayGuest) {
    const [nic] = (await observeGuest(guest.system, {})).nics
    if (nic === undefined) throw new Error('no NIC')
    const connectivity = (await probeConnectivity(guest.system, [nic.name])).get(nic.name)
    if (connectivity === undefined) throw new Error('no connectivity')
    return { ...{ name: nic.name, ifindex: nic.ifindex }, connectivity, nic }
  }

  test('does not call lost what was dead before, whatever its stale entry says', async () => {
    const guest = gatewayGuest('')
    const one = await noted(guest)
    expect(one.connectivity).toEqual({ carrier: true, gateway: '10.77.0.1', neighbour: 'FAILED' })
    expect(await watchChange(guest.system, one, 1, guest.signal, false)).toBe('over')
  })

  test('sees at once that the carrier is there, or not, where no gateway can prove more', async () => {
    const guest = gatewayGuest('')
    const one = await noted(guest)
    // Longer than this test may take.
    expect(await watchChange(guest.system, one, 600, guest.signal, true)).toBe('verified')
    guest.setCarrier('0\n')
    expect(await watchChange(guest.system, one, 600, guest.signal, true)).toEqual({
      lost: 'the carrier was lost',
    })
  })

  test.each([
    [1, false],
    [600, true],
  ])(
    'takes what cannot be read, as with no descriptors left, neither for lost nor for proven',
    async (seconds, early) => {
      const guest = gatewayGuest('')
      const one = await noted(guest)
      guest.setCarrier('0\n')
      const fail = (): never => {
        throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' })
      }
      const system = Object.assign(Object.create(guest.system), {
        readText: fail,
        list: fail,
        findTool: () => '/bin/true',
      })
      expect(await watchChange(system, one, seconds, guest.signal, early)).toBe('over')
      expect(await probeQueues(system, one.nic, { ...one.connectivity, neighbour: 'REACHABLE' })).toBe(false)
    },
  )

  test('goes on when the NIC gets another name', async () => {
    const guest = gatewayGuest('4')
    const one = await noted(guest)
    renameSync(`${guest.root}/sys/class/net/eth0`, `${guest.root}/sys/class/net/lan0`)
    writeFileSync(`${guest.root}/sys/class/net/lan0/carrier`, '0\n')
    expect(await watchChange(guest.system, one, 1, guest.signal, false)).toEqual({
      lost: 'the carrier was lost',
    })
  })
})
