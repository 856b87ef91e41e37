import { expect, it } from 'vitest'
import { guestTaps, hostLinks, sharedBridges, uplinksOf } from '../../../../src/hypervisor/network/links'
import { type LinkFacts, parseLinks } from '../../../../src/kernel/ip-link'
import { systemWith, withPrograms } from '../../../support/systems'
import { recorded } from '../recorded'

const links = parseLinks(recorded('ip-link.json'))

it('uplinks are members of the bridges that the guests are in, and what a macvtap is on', () => {
  const taps = ['vnet0', 'vnet1', 'vnet2']
  expect(uplinksOf(links, [...taps, 'vnet9'])).toEqual([])
  const withMore = (more: object[]): ReadonlyMap<string, LinkFacts> =>
    new Map([...links, ...parseLinks(JSON.stringify(more))])
  const eth = { ifname: 'eth1', master: 'br0' }
  const macvtap = { ifname: 'macvtap0', link: 'eth2', linkinfo: { info_kind: 'macvtap' } }
  expect(uplinksOf(withMore([eth, macvtap]), [...taps, 'macvtap0'])).toEqual(['eth1', 'eth2'])
  expect(uplinksOf(withMore([eth]), [])).toEqual(['eth1'])
})

it('no device of a guest or bridge is an uplink, however it is in the bridge', () => {
  const members = (...kinds: (string | undefined)[]) =>
    parseLinks(
      JSON.stringify(
        kinds.map((kind, i) => ({ ifname: `d${i}`, master: 'br0', linkinfo: { info_kind: kind } })),
      ),
    )
  const bridge = parseLinks('[{"ifname":"br0","linkinfo":{"info_kind":"bridge"}}]')
  const inner = members('tun', 'macvtap', 'bridge', 'veth', 'openvswitch')
  expect(uplinksOf(new Map([...bridge, ...inner]), [])).toEqual([])
  expect(uplinksOf(new Map([...bridge, ...members('bond', 'vlan', undefined)]), [])).toEqual([
    'd0',
    'd1',
    'd2',
  ])
})

it('taps of guests are taps and macvtaps', () => {
  expect(guestTaps(links)).toEqual(['vnet0', 'vnet1', 'vnet2'])
  expect(guestTaps(parseLinks('[{"ifname":"m","linkinfo":{"info_kind":"macvtap"}},{"ifname":"e"}]'))).toEqual(
    ['m'],
  )
})

it('a bridge is shared by two guests and more', () => {
  const taps = ['vnet0', 'vnet1', 'vnet2']
  expect(sharedBridges(links, taps)).toEqual(new Map([['br0', taps]]))
  expect(sharedBridges(links, ['vnet1', 'vnet2', 'gone'])).toEqual(new Map([['br0', ['vnet1', 'vnet2']]]))
  expect(sharedBridges(links, ['vnet1'])).toEqual(new Map())
})

it('links are asked of iproute2; without it there are none, and its failure is one', async () => {
  const asked = (answer: object) => hostLinks(withPrograms(systemWith({}), { ip: [answer] }))
  expect((await asked({ stdout: recorded('ip-link.json') }))?.get('vnet0')?.tapQueues).toEqual({
    active: 1,
    unused: 3,
  })
  expect(await hostLinks(systemWith({}))).toBeUndefined()
  await expect(asked({ code: 1, stderr: 'Cannot open netlink socket\n' })).rejects.toMatchObject({
    kind: 'tool-failed',
    message: 'ip link: Cannot open netlink socket',
  })
})
