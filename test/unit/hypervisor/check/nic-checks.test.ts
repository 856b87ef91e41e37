import { describe, expect, it } from 'vitest'
import { checkHypervisor } from '../../../../src/hypervisor/check/domain-checks'
import { bySeverity, needsAction } from '../../../../src/hypervisor/check/finding'
import type { ObservedDomain, ObservedHypervisor } from '../../../../src/hypervisor/check/observe'
import { parseDomain } from '../../../../src/hypervisor/libvirt/domain'
import { parseVectors } from '../../../../src/hypervisor/qemu/process'
import { parseLinks } from '../../../../src/kernel/ip-link'
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
