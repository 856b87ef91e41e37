/** Which running interface is which configured one, and what `--nic` finds. */
import { describe, expect, it } from 'vitest'
import type { ObservedDomain } from '../../../../src/hypervisor/check/observe'
import { pairInterfaces, viewNics } from '../../../../src/hypervisor/check/view'
import { parseDomain } from '../../../../src/hypervisor/libvirt/domain'
import { queuesProblem, resolveQueues } from '../../../../src/hypervisor/libvirt/queue-request'

const MAC = '52:54:00:00:00:01'
const OTHER = '52:54:00:00:00:02'
const nic = (type: string, inner = '', mac = MAC) =>
  `<interface type='${type}'><mac address='${mac}'/>${inner}</interface>`
const virtio = (inner = '', mac = MAC, type = 'bridge') => nic(type, `<model type='virtio'/>${inner}`, mac)
const domain = (...interfaces: string[]) =>
  parseDomain(
    `<domain type='kvm'><name>g</name><uuid>u</uuid><vcpu>4</vcpu><devices>${interfaces.join('')}</devices></domain>`,
    'g',
  )
const persistent = virtio("<teaming type='persistent'/><alias name='ua-backup0'/>")
const transient = nic('hostdev', "<teaming type='transient' persistent='ua-backup0'/>")
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

describe('--nic', () => {
  const pair = domain(persistent, transient, virtio('', OTHER))
  const indexes = (named: string | undefined, live?: string[]) =>
    resolveQueues(pair, 4, named, { live: live === undefined ? undefined : domain(...live) }).nics.map(
      ({ index }) => index,
    )

  it('takes MAC, alias and target; of a teaming pair the virtio half', () => {
    expect(indexes(MAC)).toEqual([0])
    expect(indexes(MAC.toUpperCase())).toEqual([0])
    expect(indexes('ua-backup0')).toEqual([0])
    expect(indexes(undefined)).toEqual([0, 2])
    const live = [virtio("<target dev='vnet7'/><alias name='net1'/>", OTHER), persistent, transient]
    expect(indexes('vnet7', live)).toEqual([2])
    expect(indexes('net1', live)).toEqual([2])
  })

  it('says which names there are, and what only the running guest has', () => {
    expect(() => indexes('vnet7')).toThrow(
      `g: --nic vnet7: no such interface in its configuration; there are: ${MAC} ua-backup0; ${MAC}; ${OTHER}`,
    )
    const plugged = [virtio("<target dev='vnet9'/>", '52:54:00:00:00:09')]
    expect(() => indexes('vnet9', plugged)).toThrow('only the running guest has it')
    const twins = domain(virtio("<alias name='ua-a'/>"), virtio("<alias name='ua-b'/>"))
    expect(() => resolveQueues(twins, 4, MAC)).toThrow(
      `--nic ${MAC}: 2 virtio interfaces have it; name one by its target device or alias: ${MAC} ua-a; ${MAC} ua-b`,
    )
    expect(resolveQueues(twins, 4, 'ua-b').nics.map(({ index }) => index)).toEqual([1])
  })

  it('leaves alone what has no queues of its own', () => {
    const pool = { isFromPool: () => true }
    expect(() =>
      resolveQueues(domain(virtio("<source network='v'/>", MAC, 'network')), 4, MAC, pool),
    ).toThrow('network v hands out devices of the host')
    expect(() => resolveQueues(domain(virtio()), 4, MAC, pool)).toThrow('network  hands out')
    expect(() => resolveQueues(domain(transient), 4, MAC)).toThrow(
      'passed through, its queues are those of the device',
    )
    const passt = virtio("<backend type='passt'/>", MAC, 'vhostuser')
    expect(() => resolveQueues(domain(passt), 4, MAC)).toThrow(
      'interface type vhostuser with passt cannot have several queues',
    )
  })

  it('says what more queues than vCPUs are for: for XDP, where there is such a thing', () => {
    const notes = (guestOs: { family: 'linux' | 'windows'; name: string; certain: boolean } | undefined) =>
      resolveQueues({ ...domain(virtio()), guestOs }, 8, undefined).notes
    expect(notes(undefined)[0]).toMatch(/the others are for XDP in the guest, and unused without it$/)
    expect(notes({ family: 'windows', name: 'win', certain: true })[0]).toMatch(/the others stay unused$/)
  })

  it('is checked in its place afterwards', () => {
    const targets = resolveQueues(pair, 2, 'ua-backup0')
    expect(queuesProblem(domain(transient, persistent), targets)).toBe(`${MAC} has 1 queue instead of 2`)
    expect(queuesProblem(domain(virtio('', OTHER)), targets)).toBe(`${MAC} is missing from it`)
  })
})
