/** Which running interface is which configured one. */
import { describe, expect, it } from 'vitest'
import type { ObservedDomain } from '../../../../src/hypervisor/check/observe'
import { pairInterfaces, viewNics } from '../../../../src/hypervisor/check/view'
import { domain, MAC, nic, persistent, transient, virtio } from '../domain-of'

const observed = (inactive: string[], live?: string[]): ObservedDomain => ({
  stack: 'libvirt',
  name: 'g',
  uuid: 'u',
  inactive: domain(...inactive),
  live: live === undefined ? undefined : domain(...live),
  process: undefined,
})
/** Positions of the pairs. */
const pairs = (inactive: string[], live: string[]) =>
  pairInterfaces(domain(...inactive), domain(...live)).map((pair) => [pair.inactive?.index, pair.live?.index])

describe('interfaces with one MAC', () => {
  it('of a teaming pair are two rows, each paired with its own kind', () => {
    expect(pairs([persistent, transient], [transient, persistent])).toEqual([
      [0, 1],
      [1, 0],
    ])
    const views = viewNics(observed([persistent, transient]), undefined)
    expect(views.map(({ passthrough, handle }) => [passthrough, handle])).toEqual([
      [false, MAC],
      [true, MAC],
    ])
    // The fast half is away, as during a migration.
    expect(pairs([persistent, transient], [persistent])).toEqual([
      [0, 0],
      [1, undefined],
    ])
    expect(pairs([persistent], [transient])).toEqual([
      [0, undefined],
      [undefined, 0],
    ])
  })

  it('of two virtio interfaces are told apart by alias or target', () => {
    const a = virtio("<target dev='tapa'/>")
    const b = virtio("<alias name='ua-b'/>")
    expect(pairs([a, b], [b, a])).toEqual([
      [0, 1],
      [1, 0],
    ])
    const views = viewNics(observed([a, b]), undefined)
    expect(views.map(({ handle }) => handle)).toEqual(['tapa', 'ua-b'])
    const live = [virtio("<target dev='vnet0'/><alias name='net0'/>"), virtio("<alias name='net1'/>")]
    expect(viewNics(observed([virtio(), virtio()], live), undefined).map(({ handle }) => handle)).toEqual([
      'vnet0',
      'net1',
    ])
    expect(viewNics(observed([virtio(), virtio()]), undefined).map(({ handle }) => handle)).toEqual([
      MAC,
      MAC,
    ])
  })

  it('are the same NIC when its model waits for a power-off, or when a network made a device of it', () => {
    expect(pairs([virtio()], [nic('bridge', "<model type='e1000e'/>")])).toEqual([[0, 0]])
    const fromPool = virtio("<source network='vfs'/>", MAC, 'network')
    expect(pairs([fromPool], [nic('hostdev')])).toEqual([[0, 0]])
    const [view] = viewNics(observed([fromPool], [nic('hostdev')]), undefined)
    expect(view?.passthrough).toBe(true)
    expect(viewNics(observed([fromPool]), undefined, new Set(['vfs']))[0]?.passthrough).toBe(true)
    expect(viewNics(observed([fromPool]), undefined, new Set(['lan']))[0]?.passthrough).toBe(false)
    expect(viewNics({ ...observed([]), inactive: undefined }, undefined)).toEqual([])
  })
})
