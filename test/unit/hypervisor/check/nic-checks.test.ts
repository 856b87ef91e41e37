import { describe, expect, it } from 'vitest'
import { checkHypervisor } from '../../../../src/hypervisor/check/domain-checks'
import { bySeverity, needsAction } from '../../../../src/hypervisor/check/finding'
import type { ObservedDomain, ObservedHypervisor } from '../../../../src/hypervisor/check/observe'
import { type DomainInterface, parseDomain } from '../../../../src/hypervisor/libvirt/domain'
import {
  parseQueueRequest,
  queuesProblem,
  resolveQueues,
} from '../../../../src/hypervisor/libvirt/queue-request'
import { sharedBridges, uplinksOf } from '../../../../src/hypervisor/network/links'
import { estimateFds, suggestMaxFiles } from '../../../../src/hypervisor/qemu/fd-estimate'
import { parseVectors } from '../../../../src/hypervisor/qemu/process'
import { type LinkFacts, parseLinks } from '../../../../src/kernel/ip-link'
import { recorded } from '../recorded'

const live = recorded('web01.live.xml')
const inactive = recorded('web01.inactive.xml')
const links = parseLinks(recorded('ip-link.json'))
const MAC = '52:54:00:00:00:01'

interface Case {
  readonly live?: string
  readonly inactive?: string | undefined
  readonly process?: Partial<NonNullable<ObservedDomain['process']>>
  readonly maxFiles?: number
}

/** The recorded guest with pieces of its XML exchanged. */
function look({
  live: liveXml = live,
  inactive: inactiveXml,
  process,
  maxFiles = 0,
}: Case): ObservedHypervisor {
  const domain: ObservedDomain = {
    stack: 'libvirt',
    name: 'web01',
    uuid: '54011aac-140d-4ccc-a6f0-02f74d2d65b9',
    live: parseDomain(liveXml, 'live'),
    liveXml,
    inactive: inactiveXml === undefined ? undefined : parseDomain(inactiveXml, 'inactive'),
    process: {
      pid: 100,
      openFiles: { limit: 20_000, used: 19 },
      vhostFds: 0,
      vectors: parseVectors(recorded('cmdline')),
      lockedKib: 65_536,
      ...process,
    },
  }
  return {
    uri: 'qemu:///system',
    domains: [domain],
    unanswered: [],
    links,
    vdpaPairs: new Map(),
    pools: new Set(),
    maxFiles,
    daemon: { unit: 'libvirtd', pid: 1, openFiles: { limit: 20_000, used: 30 } },
  }
}

const codes = (seen: ObservedHypervisor, nic = MAC) =>
  checkHypervisor(seen)
    .filter((finding) => finding.nic === nic)
    .map(({ severity, who, code }) => `${severity} ${who} ${code}`)
const kvm = (xml: string) => xml.replace("type='qemu'", "type='kvm'")
const queues = (xml: string, count: string) => xml.replace("queues='4'", `queues='${count}'`)

describe('host check', () => {
  it('says of the recorded guest what is true of it', () => {
    const seen = look({ inactive })
    expect(
      bySeverity(checkHypervisor(seen)).map(({ who, nic, code }) => [who, nic?.slice(-2), code]),
    ).toEqual([
      ['guest', '01', 'unused-queues'],
      ['host', '02', 'single-queue'],
      ['host', '01', 'emulated'],
      ['host', '02', 'emulated'],
      ['host', '03', 'not-virtio'],
      ['host', '04', 'type-without-multiqueue'],
    ])
    expect(needsAction(checkHypervisor(seen))).toBe(true)
  })

  it.each<[string, Case, string]>([
    ['queues above 256', { inactive: queues(inactive, '300') }, 'error host too-many-queues'],
    ['queues of 1', { inactive: queues(inactive, '1') }, 'info host queues-ignored'],
    ['queues of 0', { inactive: queues(inactive, '0') }, 'info host queues-ignored'],
    ['more queues than vCPUs', { inactive: queues(inactive, '9') }, 'warning host more-queues-than-vcpus'],
    [
      'more queues than vCPUs, as XDP may want them',
      { inactive: queues(inactive, '8') },
      'info host more-queues-than-vcpus',
    ],
    [
      'fewer queues than vCPUs',
      { inactive: queues(inactive, '2'), live: live.replace(" current='2'", '') },
      'warning host fewer-queues-than-vcpus',
    ],
    ['a pending change', { inactive: queues(inactive, '2') }, 'warning host pending-power-off'],
    ['the userspace driver', { inactive: kvm(inactive), live: kvm(live) }, 'warning host userspace-driver'],
    [
      'vhost missing at start',
      {
        inactive: kvm(inactive).replace("name='qemu' ", ''),
        live: kvm(live).replace("name='qemu' ", ''),
      },
      'warning host vhost-missing',
    ],
    ['too few vectors', { inactive, process: { vectors: new Map([[MAC, 3]]) } }, 'warning host few-vectors'],
    [
      'an interface that is only configured',
      { inactive, live: live.replace(MAC, '52:54:00:00:00:77') },
      'info host pending-plug',
    ],
    [
      'an interface that only runs',
      { inactive: inactive.replace(MAC, '52:54:00:00:00:77') },
      'info host live-only',
    ],
  ])('finds %s', (_name, given, expected) => {
    expect(codes(look(given))).toContain(expected)
  })

  it('finds queues on a type that libvirt refuses to start', () => {
    const wrong = inactive.replace("<interface type='user'>", "<interface type='user'><driver queues='3'/>")
    expect(codes(look({ inactive: wrong }), '52:54:00:00:00:04')).toContain(
      'error host type-without-multiqueue',
    )
  })

  it('judges open files now and at the next start, and interrupt vectors', () => {
    const of = (given: Case) =>
      checkHypervisor(look(given))
        .filter((finding) => finding.nic === undefined)
        .map(({ code }) => code)
    expect(of({ inactive, process: { openFiles: { limit: 100, used: 95 } } })).toEqual(['open-files-full'])
    expect(of({ inactive, maxFiles: 50 })).toEqual(['open-files-low'])
    expect(of({ inactive: queues(inactive, '256'), maxFiles: 2048 })).toEqual([
      'open-files-low',
      'vector-budget',
    ])
    expect(of({ inactive: undefined })).toEqual(['transient'])
    expect(of({ inactive })).toEqual([])
  })

  it('has no finding about use or backend where the host cannot see it', () => {
    const seen = look({
      inactive: kvm(inactive).replace("name='qemu' ", ''),
      live: kvm(live).replace("name='qemu' ", ''),
    })
    const blind = {
      ...seen,
      links: undefined,
      domains: seen.domains.map((domain) => ({ ...domain, process: undefined })),
    }
    expect(codes(blind)).toEqual([])
  })
})

describe('set-queues request', () => {
  const domain = parseDomain(inactive, 'web01')

  it('takes 1 to 256 or vcpus', () => {
    expect(['1', '256', 'vcpus'].map(parseQueueRequest)).toEqual([1, 256, 'vcpus'])
    for (const bad of ['0', '257', '-1', '4.0', '', 'VCPUS', '1e2']) {
      expect(() => parseQueueRequest(bad)).toThrow('expected vcpus or a number from 1 to 256')
    }
  })

  it('means the vCPUs that the guest can have, for every virtio interface that can', () => {
    const { queues: count, nics, notes } = resolveQueues(domain, 'vcpus', undefined)
    expect([count, nics.map(({ mac }) => mac.slice(-1)), notes.length]).toEqual([4, ['1', '2'], 3])
  })

  it('says what is left over, and what cannot be added later', () => {
    const notes = (request: number | 'vcpus', vcpus: { current: number; maximum: number }) =>
      resolveQueues({ ...domain, vcpus }, request, MAC).notes
    expect(notes('vcpus', { current: 2, maximum: 4 })).toEqual([
      '4 queues: web01 starts with 2 vCPUs and can grow to 4; queues cannot be added later',
    ])
    expect(notes('vcpus', { current: 4, maximum: 4 })).toEqual([])
    expect(notes(8, { current: 4, maximum: 4 })).toEqual([
      '8 queues are more than the 4 vCPUs that web01 can have; the others are for XDP in the guest, and unused without it',
    ])
    expect(notes(4, { current: 2, maximum: 4 })).toEqual([])
    expect(resolveQueues({ ...domain, vcpus: { current: 300, maximum: 300 } }, 'vcpus', MAC).queues).toBe(256)
  })

  it('names what cannot be done', () => {
    expect(() => resolveQueues(domain, 2, '52:54:00:00:00:99')).toThrow(
      /--nic .*: no such interface .*; there are: 52:54:00:00:00:01; /,
    )
    expect(() => resolveQueues({ ...domain, interfaces: [] }, 2, MAC)).toThrow('there are: none')
    expect(() => resolveQueues({ ...domain, interfaces: [] }, 2, undefined)).toThrow(
      /web01: no interface can have several queues$/,
    )
    expect(() => resolveQueues(domain, 2, '52:54:00:00:00:03')).toThrow('model e1000e is not virtio')
    expect(() => resolveQueues(domain, 2, '52:54:00:00:00:04')).toThrow(
      'interface type user cannot have several',
    )
    const [nic] = domain.interfaces as [DomainInterface]
    const unnamed = { ...domain, interfaces: [{ ...nic, model: undefined }] }
    expect(() => resolveQueues(unnamed, 2, undefined)).toThrow('model default is not virtio')
  })

  it('is checked in the configuration that libvirt made of it', () => {
    const targets = resolveQueues(domain, 2, MAC)
    const made = (queues: number | undefined) => ({
      ...domain,
      interfaces: domain.interfaces.map((nic) => (nic.mac === MAC ? { ...nic, queues } : nic)),
    })
    expect(queuesProblem(made(2), targets)).toBeUndefined()
    expect(queuesProblem(made(undefined), targets)).toBe(`${MAC} has 1 queue instead of 2`)
    expect(queuesProblem({ ...domain, interfaces: [] }, targets)).toBe(`${MAC} is missing from it`)
  })
})

describe('around the guests', () => {
  it('links', () => {
    const taps = ['vnet0', 'vnet1', 'vnet2']
    expect(links.get('vnet0')?.tapQueues).toEqual({ active: 1, unused: 3 })
    expect(uplinksOf(links, [...taps, 'vnet9'])).toEqual([])
    const withMore = (more: object[]): ReadonlyMap<string, LinkFacts> =>
      new Map([...links, ...parseLinks(JSON.stringify(more))])
    const eth = { ifname: 'eth1', master: 'br0' }
    const macvtap = { ifname: 'macvtap0', link: 'eth2', linkinfo: { info_kind: 'macvtap' } }
    expect(uplinksOf(withMore([eth, macvtap]), [...taps, 'macvtap0'])).toEqual(['eth1', 'eth2'])
    expect(uplinksOf(withMore([eth]), [])).toEqual(['eth1'])
    expect(sharedBridges(links, taps)).toEqual(new Map([['br0', taps]]))
    expect(() => parseLinks('1: lo')).toThrow('no JSON')
  })

  it('estimates files', () => {
    expect(estimateFds(parseDomain(inactive, 'web01'))).toBe(16 + 4 + 50)
    expect([[], [2047], [2048], [5000]].map(suggestMaxFiles)).toEqual([2048, 2048, 4096, 8192])
  })
})
