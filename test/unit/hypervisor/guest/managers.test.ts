/** Who wrote a guest's XML and what runs in it. XML in the shapes that the managers' own sources show, made here. */
import { describe, expect, it } from 'vitest'
import { mayWantXdpQueues, stepsInGuest } from '../../../../src/hypervisor/guest/guest-os'
import { MANAGERS } from '../../../../src/hypervisor/guest/managers'
import { parseDomain } from '../../../../src/hypervisor/libvirt/domain'

const parsed = (inner: string, name = 'web01', attributes = '') =>
  parseDomain(`<domain type='kvm'${attributes}><name>${name}</name><uuid>u</uuid>${inner}</domain>`, 'x')
const smbios = (manufacturer: string, product: string) =>
  `<sysinfo type='smbios'><system><entry name='manufacturer'>${manufacturer}</entry><entry name='product'>${product}</entry></system></sysinfo>`
const metadata = (inner: string, attributes = '') => `<metadata${attributes}>${inner}</metadata>`

describe('the manager of a guest', () => {
  it.each<[string, string | undefined, string, string?, string?]>([
    [
      'nova, any version of its namespace',
      'openstack',
      metadata("<nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.0'/>"),
    ],
    ['oVirt, declared on the metadata', 'ovirt', metadata('', " xmlns:ovirt-vm='http://ovirt.org/vm/1.0'")],
    ['oVirt, declared on the domain', 'ovirt', '', 'web01', " xmlns:ns0='http://ovirt.org/vm/tune/1.0'"],
    ['KubeVirt', 'kubevirt', metadata("<kubevirt xmlns='http://kubevirt.io'><uid/></kubevirt>")],
    [
      'Harvester, whose guests are KubeVirt guests',
      'harvester',
      metadata("<kubevirt xmlns='http://kubevirt.io'><uid/></kubevirt>") + smbios('SUSE', 'Harvester'),
    ],
    ['OpenNebula', 'opennebula', metadata("<one:vm xmlns:one='http://opennebula.org/xmlns/libvirt/1.0'/>")],
    ['OpenNebula by the name', 'opennebula', '', 'one-835'],
    ['CloudStack by SMBIOS', 'cloudstack', smbios('Apache Software Foundation', 'CloudStack KVM Hypervisor')],
    ['CloudStack by the name', 'cloudstack', '', 'i-2-34-VM'],
    ['OpenStack by SMBIOS of RHOSP', 'openstack', smbios('Red Hat', 'OpenStack Compute')],
    ['OpenShift Virtualization', 'kubevirt', smbios('Red Hat', 'OpenShift Virtualization')],
    ['RHV', 'ovirt', smbios('Red Hat', 'RHEV Hypervisor')],
    ['nobody', undefined, ''],
    [
      'nobody, though Cockpit keeps notes',
      undefined,
      metadata("<c:data xmlns:c='https://github.com/cockpit-project'/>"),
    ],
    ['nobody, by SMBIOS of the host', undefined, smbios('Dell Inc.', 'PowerEdge')],
    [
      'nobody, by one entry',
      undefined,
      "<sysinfo><system><entry name='manufacturer'>x</entry></system></sysinfo>",
    ],
  ])('is %s', (_name, manager, inner, name, attributes) => {
    expect(parsed(inner, name, attributes).manager).toBe(manager)
  })

  it('has a setting with the number, and a way to power the guest off, for each', () => {
    for (const [id, { title, setting, restart }] of Object.entries(MANAGERS)) {
      expect(title, id).not.toBe('')
      expect(setting(6), id).toMatch(/queue/i)
      expect(restart, id).not.toBe('')
    }
    expect(MANAGERS.opennebula.setting(6)).toContain('VIRTIO_QUEUES = "6"')
    expect(MANAGERS.cloudstack.setting(6)).toContain('nic.multiqueue.number = 6')
    expect(MANAGERS.ovirt.setting(6)).toContain('queues = 6')
  })
})

describe('the operating system of a guest', () => {
  const osinfo = (id: string) =>
    metadata(
      `<libosinfo:libosinfo xmlns:libosinfo='http://libosinfo.org/xmlns/libvirt/domain/1.0'><libosinfo:os id='${id}'/></libosinfo:libosinfo>`,
    )

  it.each([
    ['http://microsoft.com/win/2k22', { family: 'windows', name: 'win 2k22', certain: true }],
    ['http://freebsd.org/freebsd/14.0', { family: 'freebsd', name: 'freebsd 14.0', certain: true }],
    ['http://www.opnsense.org/opnsense/24', { family: 'freebsd', name: 'opnsense 24', certain: true }],
    ['http://openbsd.org/openbsd/7.4', { family: 'other', name: 'openbsd 7.4', certain: true }],
    ['http://redhat.com/rhel/9.4', { family: 'linux', name: 'rhel 9.4', certain: true }],
    ['http://example.org', { family: 'linux', name: 'example.org', certain: true }],
  ])('by %s', (id, os) => {
    expect(parsed(osinfo(id)).guestOs).toEqual(os)
  })

  it('is guessed where only Windows gets such features, and else unknown', () => {
    expect(parsed("<features><hyperv><relaxed state='on'/></hyperv></features>").guestOs).toEqual({
      family: 'windows',
      name: 'Windows',
      certain: false,
    })
    for (const nothing of [
      '',
      "<features><hyperv><relaxed state='off'/></hyperv></features>",
      metadata('<a><os/></a>text'),
      metadata("<a><os id='rhel9'/></a>"),
    ])
      expect(parsed(nothing).guestOs).toBeUndefined()
  })

  it('has steps of its own: vqtune only for Linux', () => {
    const os = (family: 'linux' | 'windows' | 'freebsd' | 'other') => ({ family, name: 'X', certain: true })
    expect(stepsInGuest(os('linux'), 4)).toBe('inside the guest: vqtune apply')
    expect(stepsInGuest(undefined, 4)).toContain('if it runs Linux: vqtune apply')
    expect(stepsInGuest(os('windows'), 4)).toContain('-NumberOfReceiveQueues 4')
    expect(stepsInGuest(os('freebsd'), 4)).toContain('hw.vtnet.mq_max_pairs=4')
    for (const family of ['windows', 'freebsd', 'other'] as const) {
      expect(stepsInGuest(os(family), 4)).not.toContain('vqtune apply')
      expect(mayWantXdpQueues(os(family))).toBe(false)
    }
    expect([undefined, os('linux')].map(mayWantXdpQueues)).toEqual([true, true])
  })
})
