import { describe, expect, test } from 'vitest'
import { checkHypervisor } from '../../../src/hypervisor/check/domain-checks'
import type { Finding } from '../../../src/hypervisor/check/finding'
import type { ObservedDomain, ObservedHypervisor } from '../../../src/hypervisor/check/observe'
import { parseDomain } from '../../../src/hypervisor/libvirt/domain'
import { parseLinks } from '../../../src/kernel/ip-link'
import { checkJson, checkText, findingLines, nicRows, remedyLines } from '../../../src/output/host-check'
import { expectSchema } from '../../support/schema'
import { recorded } from '../hypervisor/recorded'

const MAC = '52:54:00:00:00:01'
const nic = (inner = '', type = 'bridge') =>
  `<interface type='${type}'><mac address='${MAC}'/><source bridge='b'/><model type='virtio'/>${inner}</interface>`
const xml = (devices: string, vcpu = '<vcpu>4</vcpu>') =>
  `<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>g</name><uuid>u</uuid><memory>4194304</memory>${vcpu}<os><type arch='x86_64' machine='pc-q35-8.2'>hvm</type></os><devices>${devices}</devices></domain>`

function guest(
  inactive: string | undefined,
  live?: string,
  more: Partial<ObservedDomain> = {},
): ObservedDomain {
  return {
    ...{ stack: 'libvirt', name: 'g', uuid: 'u', process: undefined },
    inactive: inactive === undefined ? undefined : parseDomain(inactive, 'g'),
    live: live === undefined ? undefined : parseDomain(live, 'g'),
    ...more,
  }
}
function host(
  domains: readonly ObservedDomain[],
  more: Partial<ObservedHypervisor> = {},
): ObservedHypervisor {
  return {
    ...{ uri: 'qemu:///system', domains, unanswered: [], links: undefined, vdpaPairs: new Map() },
    ...{ pools: new Set(), maxFiles: 0, daemon: undefined },
    ...more,
  }
}
const process = (limit: number, used: number) => ({
  process: {
    ...{ pid: 7, openFiles: { limit, used }, vhostFds: 1, vectors: new Map() },
    lockedKib: Number.POSITIVE_INFINITY,
  },
})
const QUEUES = (count: number) => nic(`<driver name='vhost' queues='${count}'/><target dev='t'/>`)
const TAP = parseLinks(
  JSON.stringify([
    {
      ifname: 't',
      linkinfo: { info_kind: 'tun', info_data: { multi_queue: true, numqueues: 3, numdisabled: 1 } },
    },
  ]),
)
/** Real output of a hypervisor. */
const RECORDED = host(
  [
    guest(recorded('web01.inactive.xml'), recorded('web01.live.xml'), {
      name: 'web01',
      ...process(20_000, 19),
    }),
  ],
  { links: parseLinks(recorded('ip-link.json')) },
)

describe('a row', () => {
  test('of a running guest says what it has, uses and has open', () => {
    expect(nicRows(RECORDED)[0]).toEqual([
      ...['web01', MAC, 'bridge', 'virtio', 'qemu', '2 of 4', '4', '1', '19 of 20000'],
    ])
  })

  test('of a guest that is off, without a driver of its own, and with a title', () => {
    const off = guest(xml(nic()), undefined, { title: 'web' })
    expect(nicRows(host([off]))).toEqual([
      ['g (web)', MAC, 'bridge', 'virtio', 'default', '4', '1', '-', 'off'],
    ])
  })

  test('of a change that waits for a power-off has both counts', () => {
    const rows = nicRows(host([guest(xml(QUEUES(2)), xml(QUEUES(4)))], { links: TAP }))
    expect(rows[0]?.slice(6)).toEqual(['4, then 2', '3', '?'])
  })

  test('of what the host cannot see has a question mark', () => {
    expect(nicRows(host([guest(undefined, xml(QUEUES(4)))]))[0]?.slice(6)).toEqual(['4', '?', '?'])
    // A single queue is used.
    expect(nicRows(host([guest(undefined, xml(nic()))]))[0]?.slice(6)).toEqual(['1', '1', '?'])
    const unlimited = guest(undefined, xml(nic()), process(Number.POSITIVE_INFINITY, 12))
    expect(nicRows(host([unlimited]))[0]?.at(-1)).toBe('12 of unlimited')
  })

  test('of a device of the host, and of a guest without a NIC, has dashes', () => {
    const passed = `<interface type='hostdev'><mac address='${MAC}'/></interface>`
    expect(nicRows(host([guest(xml(passed))]))[0]).toEqual([
      'g',
      MAC,
      'hostdev',
      '-',
      '-',
      '4',
      '-',
      '-',
      'off',
    ])
    expect(nicRows(host([guest(xml(''))]))).toEqual([['g', '-', '-', '-', '-', '4', '-', '-', 'off']])
  })

  test('of a NIC of qemu:commandline is one, too', () => {
    const args = [
      '-netdev',
      'tap,id=n,queues=2',
      '-device',
      'virtio-net-pci,netdev=n,mq=on,mac=52:54:00:00:00:09',
    ]
    const extra = `<qemu:commandline>${args.map((value) => `<qemu:arg value='${value}'/>`).join('')}</qemu:commandline></domain>`
    const seen = host([guest(xml(nic()).replace('</domain>', extra))])
    expect(nicRows(seen)[1]).toEqual([
      ...['g', '52:54:00:00:00:09', 'qemu:commandline', 'virtio-net-pci', 'default', '4', '2', '-', 'off'],
    ])
    expectSchema(
      'host-check',
      JSON.parse(JSON.stringify({ version: 1, ...checkJson(seen, checkHypervisor(seen)) })),
    )
  })
})

describe('findings', () => {
  const FINDING: Finding = {
    ...{ severity: 'warning', who: 'host', domain: 'g', nic: MAC, code: 'single-queue', text: 'it has one' },
    remedy: 'virsh edit g\nvirsh start g',
  }

  test('are a line, with the steps of the remedy below it', () => {
    expect(findingLines(FINDING)).toEqual([
      `warning (host) g ${MAC}: it has one`,
      '  -> virsh edit g',
      '     virsh start g',
    ])
    expect(findingLines({ ...FINDING, nic: undefined, remedy: undefined })).toEqual([
      'warning (host) g: it has one',
    ])
    expect(remedyLines('a')).toEqual(['  -> a'])
  })

  test('follow the table; where none needs action, that is said', () => {
    const seen = host([guest(xml(nic()))])
    const lines = (findings: readonly Finding[]) => checkText(seen, findings, false).split('\n').slice(2)
    expect(checkText(seen, [], false)).toMatch(
      /^GUEST +MAC +TYPE +MODEL +DRIVER +VCPUS +QUEUES +USED +FILES\ng /,
    )
    expect(lines([])).toEqual(['', 'nothing to do', ''])
    expect(lines([{ ...FINDING, remedy: undefined }])).toEqual([
      '',
      `warning (host) g ${MAC}: it has one`,
      '',
    ])
    expect(lines([{ ...FINDING, severity: 'info', remedy: undefined }]).slice(1)).toEqual([
      `info (host) g ${MAC}: it has one`,
      'nothing to do',
      '',
    ])
  })

  test('of a host without a guest are none, unless one did not answer', () => {
    expect(checkText(host([]), [], false)).toBe('no guest in qemu:///system\n')
    const unanswered = [{ name: 'x', why: 'it hangs' }]
    const seen = host([], { unanswered })
    expect(checkText(seen, checkHypervisor(seen), false)).toContain('nothing is known of it: it hangs')
    expectSchema(
      'host-check',
      JSON.parse(JSON.stringify({ version: 1, ...checkJson(seen, checkHypervisor(seen)) })),
    )
  })
})

describe('as JSON', () => {
  const json = (seen: ObservedHypervisor) => {
    const read = JSON.parse(JSON.stringify({ version: 1, ...checkJson(seen, checkHypervisor(seen)) }))
    expectSchema('host-check', read)
    return read
  }

  test('the recorded guest', () => {
    const [domain] = json(RECORDED).domains
    expect(domain).toMatchObject({
      ...{ name: 'web01', title: null, running: true, persistent: true, vcpus: { current: 2, maximum: 4 } },
      openFiles: { used: 19, limit: 20_000 },
    })
    expect(domain.nics[0]).toMatchObject({
      ...{ mac: MAC, type: 'bridge', model: 'virtio', queues: { live: 4, configured: 4, active: 1 } },
    })
  })

  test('what has no limit, or is not known, is null', () => {
    const unlimited = guest(undefined, xml(QUEUES(4)), process(Number.POSITIVE_INFINITY, 12))
    const read = json(host([unlimited], { maxFiles: undefined }))
    expect(read).toMatchObject({ daemon: null, maxFiles: null })
    expect(read.domains[0]).toMatchObject({
      persistent: false,
      openFiles: { used: 12, limit: null, needed: null, nextLimit: null },
      nics: [{ queues: { live: 4, configured: null, active: null, unused: null } }],
    })
    const max = json(host([guest(xml(nic()))], { maxFiles: 500 }))
    expect(max.domains[0]).toMatchObject({ running: false, openFiles: { limit: null, nextLimit: 500 } })
  })
})
