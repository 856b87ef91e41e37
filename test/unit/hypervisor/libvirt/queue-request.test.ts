import { describe, expect, it } from 'vitest'
import { type DomainInterface, parseDomain } from '../../../../src/hypervisor/libvirt/domain'
import {
  parseQueueRequest,
  queuesProblem,
  resolveQueues,
} from '../../../../src/hypervisor/libvirt/queue-request'
import { domain, MAC, persistent, transient, virtio } from '../domain-of'
import { recorded } from '../recorded'

const OTHER = '52:54:00:00:00:02'

describe('set-queues request', () => {
  const web01 = parseDomain(recorded('web01.inactive.xml'), 'web01')

  it('takes 1 to 256 or vcpus', () => {
    expect(['1', '256', 'vcpus'].map(parseQueueRequest)).toEqual([1, 256, 'vcpus'])
    for (const bad of ['0', '257', '-1', '4.0', '', 'VCPUS', '1e2']) {
      expect(() => parseQueueRequest(bad)).toThrow('expected vcpus or a number from 1 to 256')
    }
  })

  it('means the vCPUs that the guest can have, for every virtio interface that can', () => {
    const { queues: count, nics, notes } = resolveQueues(web01, 'vcpus', undefined)
    expect([count, nics.map(({ mac }) => mac.slice(-1)), notes.length]).toEqual([4, ['1', '2'], 3])
  })

  it('says what is left over, and what cannot be added later', () => {
    const notes = (request: number | 'vcpus', vcpus: { current: number; maximum: number }) =>
      resolveQueues({ ...web01, vcpus }, request, MAC).notes
    expect(notes('vcpus', { current: 2, maximum: 4 })).toEqual([
      '4 queues: web01 starts with 2 vCPUs and can grow to 4; queues cannot be added later',
    ])
    expect(notes('vcpus', { current: 4, maximum: 4 })).toEqual([])
    expect(notes(8, { current: 4, maximum: 4 })).toEqual([
      '8 queues are more than the 4 vCPUs that web01 can have; the others are for XDP in the guest, and unused without it',
    ])
    expect(notes(4, { current: 2, maximum: 4 })).toEqual([])
    expect(resolveQueues({ ...web01, vcpus: { current: 300, maximum: 300 } }, 'vcpus', MAC).queues).toBe(256)
  })

  it('names what cannot be done', () => {
    expect(() => resolveQueues(web01, 2, '52:54:00:00:00:99')).toThrow(
      /--nic .*: no such interface .*; there are: 52:54:00:00:00:01; /,
    )
    expect(() => resolveQueues({ ...web01, interfaces: [] }, 2, MAC)).toThrow('there are: none')
    expect(() => resolveQueues({ ...web01, interfaces: [] }, 2, undefined)).toThrow(
      /web01: no interface can have several queues$/,
    )
    expect(() => resolveQueues(web01, 2, '52:54:00:00:00:03')).toThrow('model e1000e is not virtio')
    expect(() => resolveQueues(web01, 2, '52:54:00:00:00:04')).toThrow(
      'interface type user cannot have several',
    )
    const [nic] = web01.interfaces as [DomainInterface]
    const unnamed = { ...web01, interfaces: [{ ...nic, model: undefined }] }
    expect(() => resolveQueues(unnamed, 2, undefined)).toThrow('model default is not virtio')
  })

  it('is checked in the configuration that libvirt made of it', () => {
    const targets = resolveQueues(web01, 2, MAC)
    const made = (queues: number | undefined) => ({
      ...web01,
      interfaces: web01.interfaces.map((nic) => (nic.mac === MAC ? { ...nic, queues } : nic)),
    })
    expect(queuesProblem(made(2), targets)).toBeUndefined()
    expect(queuesProblem(made(undefined), targets)).toBe(`${MAC} has 1 queue instead of 2`)
    expect(queuesProblem({ ...web01, interfaces: [] }, targets)).toBe(`${MAC} is missing from it`)
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
