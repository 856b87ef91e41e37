/** What gives a NIC other queues: what fits who keeps its configuration, and never what that one would undo. */
import { describe, expect, it } from 'vitest'
import type { ObservedDomain } from '../../../../src/hypervisor/check/observe'
import { managerOf, powerCycle, queueRemedy, queuesForVcpus } from '../../../../src/hypervisor/check/remedies'
import { type NicView, viewNics } from '../../../../src/hypervisor/check/view'
import { parseDomain } from '../../../../src/hypervisor/libvirt/domain'
import { parseLinks } from '../../../../src/kernel/ip-link'

const MAC = '52:54:00:00:00:01'
const NOVA = "<metadata><n:i xmlns:n='http://openstack.org/xmlns/libvirt/nova/1.1'/></metadata>"
const nic = (inner = '') =>
  `<interface type='bridge'>\n  <mac address='${MAC}'/><source bridge='b'/><model type='virtio'/>${inner}\n</interface>`
const PLUGGED = nic("<target dev='vnet3'/><alias name='net1'/>")
const xml = (interfaces: string, head = '', name = 'g') =>
  `<domain type='kvm'><name>${name}</name><uuid>u</uuid>${head}<vcpu>4</vcpu><devices>${interfaces}</devices></domain>`

/** The NIC of a guest with this configuration, and this XML of the running guest. */
function view(
  inactive: string | undefined,
  live: string | undefined,
  rest: Partial<ObservedDomain> = {},
  links?: string,
): NicView {
  const domain: ObservedDomain = {
    ...{ stack: 'libvirt', name: 'g', uuid: 'u', process: undefined },
    inactive: inactive === undefined ? undefined : parseDomain(inactive, 'g'),
    live: live === undefined ? undefined : parseDomain(live, 'g'),
    ...(live === undefined ? {} : { liveXml: live }),
    ...rest,
  }
  const known = links === undefined ? undefined : parseLinks(links)
  const [first] = viewNics(domain, known)
  if (first === undefined) throw new Error('no NIC')
  return { ...first, link: known?.values().next().value ?? first.link }
}

describe('queues', () => {
  it('are as many as vCPUs, 256 at most, which is what a tap can have', () => {
    expect([1, 4, 256, 257, 288].map((maximum) => queuesForVcpus({ maximum }))).toEqual([1, 4, 256, 256, 256])
  })

  it('of a stored configuration are a command of vqtune', () => {
    expect(queueRemedy(view(xml(nic()), undefined))).toBe(
      `vqtune host set-queues g --nic ${MAC} vcpus --apply`,
    )
    const odd = view(xml(nic()), undefined, { name: 'web 1; x' })
    expect(queueRemedy(odd)).toBe(`vqtune host set-queues 'web 1; x' --nic ${MAC} vcpus --apply`)
  })

  it('on Proxmox VE are 64 at most', () => {
    const remedy = (vcpus: number) => {
      const of = view(xml(nic()), undefined, { stack: 'proxmox', name: '100' })
      return queueRemedy({ ...of, vcpus: { current: vcpus, maximum: vcpus } })
    }
    expect(remedy(64)).toBe(`vqtune host set-queues 100 --nic ${MAC} vcpus --apply`)
    expect(remedy(65)).toBe(`vqtune host set-queues 100 --nic ${MAC} 64 --apply`)
  })

  it('need a tap that can have them, where somebody else makes it', () => {
    const own = nic("<target dev='tap7' managed='no'/>")
    const tap = (multi: boolean) =>
      JSON.stringify([{ ifname: 'tap7', linkinfo: { info_kind: 'tun', info_data: { multi_queue: multi } } }])
    const remedy = (multi: boolean) => queueRemedy(view(xml(own), undefined, {}, tap(multi)))
    expect(remedy(true)).toMatch(/^vqtune host set-queues g/)
    expect(remedy(false)).toMatch(/tap7[\s\S]*multi_queue[\s\S]*\nand then: vqtune host set-queues g/)
  })
})

describe('a NIC that only the running guest has', () => {
  it('goes and comes with the XML that libvirt takes, without what it chose for the old one', () => {
    const remedy = queueRemedy(view(undefined, xml(PLUGGED)))
    expect(remedy).toContain(`virsh detach-interface g bridge --mac ${MAC} --live`)
    expect(remedy).toContain('virsh attach-device g nic.xml --live')
    expect(remedy).toContain("<driver queues='4'/>")
    expect(remedy).not.toMatch(/vnet3|net1|set-queues/)
    // A persistent guest that has it only for now is no other case.
    expect(queueRemedy(view(xml(''), xml(PLUGGED)))).toBe(remedy)
  })

  it('has words for it where the XML is not at hand', () => {
    const { domain, ...rest } = view(undefined, xml(PLUGGED))
    const { liveXml: _, ...without } = domain
    expect(queueRemedy({ ...rest, domain: without })).toBe(
      "detach the interface and attach it anew with <driver name='vhost' queues='4'/>",
    )
  })
})

describe('a guest that a manager writes', () => {
  it('gets its setting, then its restart', () => {
    const stopped = view(xml(nic(), NOVA), undefined)
    expect(managerOf(stopped)).toBe('openstack')
    expect(queueRemedy(stopped)).toMatch(
      /vif_multiqueue_enabled[\s\S]*\nthen: openstack server stop SERVER; openstack/,
    )
    expect(powerCycle(stopped)).toBe(
      'power off and start again by its manager (a reboot is not enough): openstack server stop SERVER; openstack server start SERVER',
    )
  })

  it('has a new plug beside it for a NIC that only runs; the name alone tells the manager', () => {
    const plugged = view(xml('', '', 'one-8'), xml(PLUGGED, '', 'one-8'))
    expect(queueRemedy(plugged)).toMatch(
      /VIRTIO_QUEUES = "4"[\s\S]*\nor at once: detach it and attach it anew/,
    )
    expect(managerOf(view(undefined, xml(PLUGGED)))).toBeUndefined()
  })
})

describe('a QEMU without a manager', () => {
  it('has its command line, or who started it', () => {
    const qemu = (rest: Partial<ObservedDomain> = {}) =>
      queueRemedy(view(undefined, xml(nic()), { stack: 'qemu', ...rest }))
    // 2 for each queue pair, one for the control queue, one for the configuration.
    expect(qemu()).toBe(
      'where it is started: queues=4 on its -netdev, mq=on,vectors=10 on its -device; then end it and start it anew',
    )
    expect(qemu({ startedBy: 'LXD' })).toBe('LXD')
  })
})

it('a power cycle is one of who runs the guest; a reboot inside is never enough', () => {
  expect(powerCycle(view(xml(nic()), undefined))).toBe(
    'power off and start again (a reboot is not enough): virsh shutdown g; virsh start g',
  )
  expect(powerCycle(view(xml(nic()), undefined, { stack: 'proxmox', name: '100' }))).toBe(
    'power off and start again (a reboot inside the guest is not enough): qm shutdown 100; qm start 100',
  )
  expect(powerCycle(view(undefined, xml(nic())))).toBe('end it and start it anew (a reboot is not enough)')
})
