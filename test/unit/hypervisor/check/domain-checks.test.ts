/** Findings about a guest as a whole, and the remedies that fit who keeps its configuration. */
import { describe, expect, it } from 'vitest'
import { checkHypervisor } from '../../../../src/hypervisor/check/domain-checks'
import type { ObservedDomain, ObservedHypervisor } from '../../../../src/hypervisor/check/observe'
import { parseDomain } from '../../../../src/hypervisor/libvirt/domain'
import { parseLinks } from '../../../../src/kernel/ip-link'

const MAC = '52:54:00:00:00:01'
const NOVA = "<metadata><n:i xmlns:n='http://openstack.org/xmlns/libvirt/nova/1.1'/></metadata>"
const xml = (interfaces: string, head = '', id = '', name = 'g') =>
  `<domain type='kvm'${id} xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>${name}</name><uuid>u</uuid>${head}<memory>4194304</memory><vcpu>4</vcpu><os><type arch='x86_64' machine='pc-q35-8.2'>hvm</type></os><devices>${interfaces}</devices></domain>`
const nic = (inner: string, type = 'bridge') =>
  `<interface type='${type}'>\n  <mac address='${MAC}'/><source bridge='b'/><model type='virtio'/>${inner}\n</interface>`

function seen(
  inactive: string | undefined,
  live: string | undefined,
  rest: Partial<ObservedDomain> & { links?: string } = {},
): ObservedHypervisor {
  const { links, ...domain } = rest
  return {
    uri: 'qemu:///system',
    domains: [
      {
        stack: 'libvirt',
        name: 'g',
        uuid: 'u',
        inactive: inactive === undefined ? undefined : parseDomain(inactive, 'g'),
        live: live === undefined ? undefined : parseDomain(live, 'g'),
        ...(live === undefined ? {} : { liveXml: live }),
        process: undefined,
        ...domain,
      },
    ],
    unanswered: [],
    links: links === undefined ? undefined : parseLinks(links),
    vdpaPairs: new Map(),
    pools: new Set(),
    maxFiles: 0,
    daemon: undefined,
  }
}
const found = (hypervisor: ObservedHypervisor, code: string) =>
  checkHypervisor(hypervisor).find((finding) => finding.code === code)
const process = (limit: number, used: number, lockedKib = Number.POSITIVE_INFINITY) => ({
  process: { pid: 7, openFiles: { limit, used }, vhostFds: 1, vectors: new Map(), lockedKib },
})

it('a guest that a manager writes is told, and has no remedy of libvirt', () => {
  const pending = seen(xml(nic("<driver queues='4'/>"), NOVA), xml(nic(''), NOVA, " id='1'"))
  expect(found(pending, 'manager')?.text).toContain('OpenStack (nova) writes its XML anew')
  for (const finding of checkHypervisor(pending)) expect(finding.remedy ?? '').not.toMatch(/virsh|set-queues/)
})

it('a QEMU without a manager is told with who started it', () => {
  const started = { stack: 'qemu', startedBy: 'LXD' } as const
  const text = found(seen(undefined, xml(nic(''), '', " id='1'"), started), 'transient')?.text
  expect(text).toContain('started, by LXD')
})

it('remedies inside the guest are those of its operating system', () => {
  const links = JSON.stringify([
    {
      ifname: 't',
      linkinfo: { info_kind: 'tun', info_data: { multi_queue: true, numqueues: 1, numdisabled: 3 } },
    },
  ])
  const four = nic("<driver queues='4'/><target dev='t'/>")
  const use = (head: string) =>
    found(seen(xml(four, head), xml(four, head, " id='1'"), { links }), 'unused-queues')
  const windows =
    "<metadata><o:l xmlns:o='http://libosinfo.org/x'><o:os id='http://microsoft.com/win/11'/></o:l></metadata>"
  expect(use(windows)?.remedy).toContain('Set-NetAdapterRss')
  expect(use(windows)?.text).toContain('the guest (win 11) uses 1 of 4 queues')
  expect(use("<features><hyperv><relaxed state='on'/></hyperv></features>")?.text).toContain(
    '(probably Windows)',
  )
  expect(use('')?.remedy).toContain('if it runs Linux: vqtune apply')
})

describe('limits of the whole guest', () => {
  const running = xml(nic(''), '', " id='1'")

  it('open files at the next hot-plug, and what nothing tells', () => {
    expect(found(seen(xml(nic('')), running, process(1024, 1000)), 'hot-plug-files')).toBeUndefined()
    const tight = found(seen(xml(nic('')), running, process(200, 170)), 'hot-plug-files')
    expect(tight?.text).toBe(
      'one more NIC of 4 queues needs 40 files, and 30 of 200 are left: plugging it in fails',
    )
  })

  it('files of sockets are told as unknown', () => {
    const rbd = "<disk type='network'><source protocol='rbd'/><target dev='vda' bus='virtio'/></disk>"
    expect(found(seen(xml(rbd), undefined), 'files-unknown')?.text).toContain(
      'rbd disks (sockets to the storage)',
    )
    expect(found(seen(xml(''), undefined), 'files-unknown')).toBeUndefined()
  })

  it('interrupt routes: a word before the hot-plug that ends the guest, an error above the limit', () => {
    const wide = (count: number, extra = '') =>
      xml(Array.from({ length: count }, () => nic("<driver queues='100'/>")).join('') + extra).replace(
        '<vcpu>4<',
        '<vcpu>100<',
      )
    expect(found(seen(wide(18), undefined), 'interrupt-routes')).toBeUndefined()
    expect(found(seen(wide(19), undefined), 'interrupt-routes')).toBeUndefined()
    const full = found(seen(wide(20, "<hostdev type='pci'/>"), undefined), 'interrupt-routes')
    expect(full?.text).toContain('4020 of KVM')
    expect(full?.text).toContain('those of 1 passed-through device not counted')
    expect(found(seen(wide(21), undefined), 'interrupt-routes')).toMatchObject({ severity: 'error' })
    const emulated = seen(wide(21).replace("type='kvm'", "type='qemu'"), undefined)
    expect(found(emulated, 'interrupt-routes')).toBeUndefined()
  })

  it('locked memory of passed-through devices', () => {
    const vf = "<interface type='hostdev'><mac address='a'/></interface>"
    const hard = (kib: number) => `<memtune><hard_limit>${kib}</hard_limit></memtune>`
    const locked = (head: string, lockedKib?: number) =>
      found(seen(xml(vf, head), xml(vf, head, " id='1'"), process(1024, 10, lockedKib)), 'locked-memory')
    expect(locked('')).toBeUndefined()
    expect(locked(hard(4_194_304))?.text).toContain('up to 5120 MiB, and <hard_limit> allows 4096 MiB')
    expect(locked(hard(8_388_608))).toBeUndefined()
    expect(locked('', 65_536)?.text).toContain('QEMU may lock 64 MiB')
    expect(found(seen(xml(nic('')), undefined), 'locked-memory')).toBeUndefined()
  })
})

describe('what else is said', () => {
  it('of NICs of qemu:commandline: a finding, never set-queues', () => {
    const extra = xml(nic("<driver queues='4'/>")).replace(
      '</domain>',
      "<qemu:commandline><qemu:arg value='-netdev'/><qemu:arg value='tap,id=n,queues=2'/><qemu:arg value='-device'/><qemu:arg value='virtio-net-pci,netdev=n,mq=on,mac=52:54:00:00:00:09'/></qemu:commandline></domain>",
    )
    const hypervisor = seen(extra, undefined)
    expect(found(hypervisor, 'command-line-nic')).toMatchObject({
      severity: 'warning',
      remedy: 'virsh edit g: queues=4 in its -netdev, mq=on,vectors=10 in its -device',
    })
  })

  it('of a virtual function from a network pool: no virtio NIC, and nothing waits for a power-off', () => {
    const pool = xml(nic('', 'network').replace("bridge='b'", "network='vfs'"))
    const live = xml(`<interface type='hostdev'><mac address='${MAC}'/></interface>`, '', " id='1'")
    const codes = (hypervisor: ObservedHypervisor) =>
      checkHypervisor(hypervisor).flatMap(({ nic: mac, code }) => (mac === undefined ? [] : [code]))
    expect(codes(seen(pool, live))).toEqual(['passed-through'])
    expect(codes({ ...seen(pool, undefined), pools: new Set(['vfs']) })).toEqual(['passed-through'])
  })

  it('of guests that libvirt did not tell of', () => {
    const hypervisor = {
      ...seen(undefined, undefined),
      domains: [],
      unanswered: [{ name: 'x', why: 'it hangs' }],
    }
    expect(checkHypervisor(hypervisor)).toMatchObject([
      { code: 'no-answer', text: 'nothing is known of it: it hangs' },
    ])
  })
})
