/** Who wrote a guest's XML and what runs in it. XML in the shapes that the managers' own sources show, made here. */
import { describe, expect, it } from 'vitest'
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
    ['CloudStack by the name of a router', 'cloudstack', '', 'r-12-VM'],
    ['OpenStack by the name', 'openstack', '', 'instance-0000002a'],
    [
      'KubeVirt by its namespace, whatever the name',
      'kubevirt',
      metadata("<k xmlns='http://kubevirt.io'/>"),
      'one-8',
    ],
    ['nobody, by names that only look like it', undefined, '', 'instance-42'],
    ['nobody, by the name of a person', undefined, '', 'one-8-test'],
    ['nobody, by SMBIOS of the host', undefined, smbios('Dell Inc.', 'PowerEdge')],
    [
      'nobody, by one entry',
      undefined,
      "<sysinfo><system><entry name='manufacturer'>x</entry></system></sysinfo>",
    ],
  ])('is %s', (_name, manager, inner, name, attributes) => {
    expect(parsed(inner, name, attributes).manager).toBe(manager)
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
})
