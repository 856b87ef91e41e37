import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { PLATFORMS, platformsOf, remediesFor } from '../../../../src/advice/platforms/index'
import type { Platform, PlatformEvidence, RemedyRequest } from '../../../../src/advice/platforms/platform'
import { renderPlatforms, withoutPadding } from '../../../support/platform-docs'
import { evidenceWith } from '../../../support/platform-evidence'

const MAC = '52:54:00:ab:cd:01'
const REQUEST: RemedyRequest = {
  name: 'ens3',
  mac: MAC,
  bus: 'pci',
  target: 8,
  xdpQueues: 0,
  maximum: 2,
  vcpus: 8,
}
const Q35 = { vendor: 'QEMU', product: 'Standard PC (Q35 + ICH9, 2009)' }
const NO_DMI_NO_CONTROL = { bus: 'mmio', controlQueue: false } as const

type Row = readonly [
  what: string,
  evidence: Partial<PlatformEvidence>,
  platforms: readonly string[],
  ...text: string[],
]

/** What platforms show in their guests, which platform that is, and what its remedy has to say. */
const ROWS: readonly Row[] = [
  [
    'libvirt on RHEL',
    { vendor: 'Red Hat', product: 'KVM' },
    ['libvirt'],
    `virt-xml DOMAIN --edit mac=${MAC} --network driver.name=vhost,driver.queues=8`,
  ],
  ['QEMU, PCI', Q35, ['qemu'], 'libvirt: vqtune host set-queues DOMAIN 8', 'mq=on,vectors=18', 'Please give'],
  [
    'QEMU, old PC',
    { vendor: 'QEMU', product: 'Standard PC (i440FX + PIIX, 1996)' },
    ['qemu'],
    'Proxmox VE: queues=8',
  ],
  ['QEMU, arm64', { vendor: 'QEMU', product: 'KVM Virtual Machine' }, ['qemu'], 'LXD, Incus'],
  [
    'QEMU, product renamed',
    { vendor: 'QEMU', product: 'Web Server' },
    ['qemu'],
    'OpenNebula: VIRTIO_QUEUES = "8"',
  ],
  ['QEMU, vendor renamed', { ...Q35, vendor: 'Acme' }, ['qemu'], 'send them this request'],
  ['QEMU, s390x', { bus: 'ccw' }, ['qemu'], 'mq=on'],
  ['QEMU, microvm', { bus: 'mmio' }, ['qemu'], 'mq=on'],
  ['Proxmox VE', { ...Q35, mac: 'BC:24:11:00:00:01' }, ['proxmox', 'qemu'], 'qm set VMID'],
  [
    'OpenNebula',
    { ...Q35, mac: '02:00:c0:00:02:01' },
    ['opennebula', 'qemu'],
    'onevm nic-attach',
    'VIRTIO_QUEUES = "8"',
  ],
  [
    'OpenNebula on RHEL',
    { vendor: 'Red Hat', product: 'KVM', mac: '02:00:c0:00:02:01' },
    ['opennebula', 'libvirt'],
    'onevm nic-detach',
  ],
  [
    'LXD',
    { ...Q35, boardVendor: 'Canonical Ltd.', boardName: 'LXD' },
    ['lxd'],
    'lxc stop INSTANCE',
    'limits.cpu=8',
  ],
  ['LXD, by its MAC', { ...Q35, mac: '00:16:3e:00:00:01' }, ['lxd', 'qemu'], 'lxc start INSTANCE'],
  ['Incus', { ...Q35, boardVendor: 'LinuxContainers', boardName: 'Incus' }, ['incus'], 'incus stop INSTANCE'],
  ['Incus, by its MAC', { ...Q35, mac: '10:66:6a:00:00:01' }, ['incus', 'qemu'], 'incus start INSTANCE'],
  [
    'CloudStack',
    { vendor: 'Apache Software Foundation', product: 'CloudStack KVM Hypervisor' },
    ['cloudstack'],
    'nic.multiqueue.number=8',
  ],
  [
    'CloudStack, vendor renamed',
    { vendor: 'Acme', product: 'CloudStack KVM Hypervisor' },
    ['cloudstack'],
    'cmk stop',
  ],
  [
    'OpenStack',
    { vendor: 'OpenStack Foundation', product: 'OpenStack Nova' },
    ['openstack'],
    'openstack image set --property hw_vif_multiqueue_enabled=true IMAGE',
    'openstack flavor set --property hw:vif_multiqueue_enabled=true OTHER_FLAVOR',
  ],
  ['RHOSP', { vendor: 'Red Hat', product: 'OpenStack Compute' }, ['openstack'], 'As a tenant'],
  ['RDO', { vendor: 'RDO', product: 'OpenStack Compute' }, ['openstack'], 'As an administrator of the cloud'],
  [
    'OpenStack of a provider with its own vendor',
    { vendor: 'Acme Cloud', product: 'OpenStack Nova' },
    ['openstack'],
    'server resize',
  ],
  ['OpenStack by its asset tag', { ...Q35, chassisTag: 'OpenStack Nova' }, ['openstack'], 'server resize'],
  [
    'OVHcloud',
    { vendor: 'OpenStack Foundation', product: 'OpenStack Nova', family: 'Virtual Machine' },
    ['openstack'],
    'openstack server image create',
  ],
  [
    'Huawei Cloud',
    { vendor: 'OpenStack Foundation', product: 'OpenStack Nova', chassisTag: 'HUAWEICLOUD' },
    ['huawei'],
    '/hw_vif_multiqueue_enabled',
  ],
  [
    'Huawei Cloud, by its vendor',
    { vendor: 'Huawei Cloud', product: 'OpenStack Nova' },
    ['huawei'],
    'max. NIC multi-queues',
  ],
  [
    'Open Telekom Cloud',
    { vendor: 'OpenStack Foundation', product: 'OpenStack Nova', chassisTag: 'OpenTelekomCloud' },
    ['huawei'],
    'PATCH',
  ],
  [
    'KubeVirt',
    { vendor: 'KubeVirt', product: 'None', family: 'KubeVirt' },
    ['kubevirt'],
    'networkInterfaceMultiqueue',
    'an interface that is plugged in after them has the new count',
  ],
  [
    'OpenShift CNV',
    { vendor: 'Red Hat', product: 'Container-native virtualization', family: 'Red Hat' },
    ['kubevirt'],
    'virtctl -n NAMESPACE restart VM',
  ],
  [
    'OpenShift Virtualization',
    { vendor: 'Red Hat', product: 'OpenShift Virtualization' },
    ['kubevirt'],
    'virtctl',
  ],
  [
    'Harvester',
    { vendor: 'KubeVirt', product: 'None', family: 'Harvester' },
    ['harvester'],
    'Edit YAML',
    'networkInterfaceMultiqueue',
  ],
  ['oVirt', { vendor: 'oVirt', product: 'oVirt Node' }, ['ovirt'], 'multi_queues_enabled=true'],
  ['oVirt on RHEL', { vendor: 'oVirt', product: 'RHEL' }, ['ovirt'], 'queues = 8 in the vNIC profile'],
  ['RHV', { vendor: 'Red Hat', product: 'RHEV Hypervisor', family: 'RHV' }, ['ovirt'], 'engine-config'],
  [
    'Nutanix AHV',
    { vendor: 'Nutanix', product: 'AHV' },
    ['nutanix'],
    `acli vm.nic_update VM ${MAC} queues=8`,
  ],
  ['Google Compute Engine', { vendor: 'Google', product: 'Google Compute Engine' }, ['gce'], 'queue-count=8'],
  [
    'Alibaba Cloud',
    { vendor: 'Alibaba Cloud', product: 'Alibaba Cloud ECS' },
    ['alibaba'],
    'aliyun ecs ModifyNetworkInterfaceAttribute --NetworkInterfaceId ENI --QueueNumber 8',
  ],
  ['Tencent Cloud', { vendor: 'Tencent Cloud', product: 'CVM' }, ['tencent'], 'ResetInstancesType'],
  ['Tencent Cloud, old', { vendor: 'Smdbmds', product: 'KVM' }, ['tencent'], 'tccli cvm'],
  [
    'Oracle Cloud',
    { ...Q35, chassisTag: 'OracleCloud.com' },
    ['oracle'],
    '"networkType": "VFIO"',
    'Please give',
  ],
  [
    'IBM Cloud VPC',
    { ...Q35, chassisVendor: 'IBM:Cloud Compute Server 1.0:bx2-2x8' },
    ['ibm-vpc'],
    'support of IBM Cloud VPC',
  ],
  ['IBM Cloud VPC, by its asset tag', { ...Q35, chassisTag: 'ibmcloud' }, ['ibm-vpc'], 'Please give'],
  [
    'DigitalOcean',
    { vendor: 'DigitalOcean', product: 'Droplet' },
    ['digitalocean'],
    'support of DigitalOcean',
  ],
  [
    'Hetzner',
    { vendor: 'Hetzner', product: 'vServer', boardName: 'Standard PC (Q35 + ICH9, 2009)' },
    ['hetzner'],
    'support of Hetzner Cloud',
  ],
  ['Vultr', { vendor: 'Vultr', product: 'VC2' }, ['vultr'], 'support of Vultr'],
  ['Linode', { vendor: 'Linode', product: 'Compute Instance' }, ['akamai'], 'Please give'],
  ['Akamai', { vendor: 'Akamai', product: 'Compute Instance' }, ['akamai'], 'support of Akamai Cloud'],
  ['UpCloud', { vendor: 'UpCloud', product: 'Cloud Server' }, ['upcloud'], 'support of UpCloud'],
  ['Scaleway', { vendor: 'Scaleway', product: 'SCW-DEV1-S' }, ['scaleway'], 'support of Scaleway'],
  [
    'Exoscale',
    { vendor: 'Exoscale', product: 'Exoscale Compute Platform' },
    ['exoscale'],
    'support of Exoscale',
  ],
  ['Yandex Cloud', { vendor: 'Yandex', product: 'standard-v3' }, ['yandex'], 'support of Yandex Cloud'],
  [
    '3DS Outscale',
    { vendor: '3DS Outscale', product: '3DS Outscale VM' },
    ['outscale'],
    'support of 3DS Outscale',
  ],
  ['CloudSigma', { vendor: 'QEMU', product: 'CloudSigma' }, ['cloudsigma'], 'support of CloudSigma'],
  ['ZStack', { ...Q35, chassisTag: '123456.zstack.io' }, ['zstack'], 'support of ZStack'],
  [
    'Cloud Hypervisor',
    { vendor: 'Cloud Hypervisor', product: 'cloud-hypervisor' },
    ['cloud-hypervisor'],
    'num_queues=16',
  ],
  ['crosvm', { vendor: 'ChromiumOS', product: 'crosvm', biosVendor: 'crosvm' }, ['crosvm'], 'vq-pairs=8'],
  [
    'Kata Containers',
    { ...Q35, commandLine: 'quiet systemd.unit=kata-containers.target' },
    ['kata'],
    'network_queues = 8',
    'default_vcpus = 8',
  ],
  ['Firecracker', NO_DMI_NO_CONTROL, ['firecracker'], 'rps = "spread"', 'A VMM with multi-queue'],
  ['Firecracker, PCI', { controlQueue: false }, ['firecracker'], 'vqtune apply ens3'],
  ['VirtualBox', { vendor: 'innotek GmbH', product: 'VirtualBox' }, ['virtualbox'], 'rps = "spread"'],
  ['bhyve', { vendor: 'FreeBSD', product: 'BHYVE', biosVendor: 'BHYVE' }, ['bhyve'], 'rps = "spread"'],
  [
    'Apple',
    { vendor: 'Apple Inc.', product: 'Apple Virtualization Generic Platform' },
    ['apple'],
    'rps = "spread"',
  ],
  [
    'Parallels',
    { vendor: 'Parallels International GmbH.', product: 'Parallels ARM Virtual Machine' },
    ['parallels'],
    'rps = "spread"',
  ],
  ['no DMI, PCI', {}, ['unknown'], 'Please give', 'mq=on,vectors=18'],
  ['s390x without control queue', { bus: 'ccw', controlQueue: false }, ['qemu'], 'virtio-net-ccw,mq=on'],
  ['Hyper-V', { vendor: 'Microsoft Corporation', product: 'Virtual Machine' }, ['unknown'], 'Please give'],
  [
    'a provider that is not known',
    { vendor: 'Acme Hosting', product: 'Cloud Server' },
    ['unknown'],
    "<driver name='vhost' queues='8'/>",
  ],
]

const CASES = ROWS.map(([what, evidence, platforms, ...texts]) => ({ what, evidence, platforms, texts }))

/** As the command line makes it of the same NIC. */
const requestFor = ({ bus, mac }: PlatformEvidence): RemedyRequest => ({ ...REQUEST, bus, mac })
const remediesOf = (changes: Partial<PlatformEvidence>, request: Partial<RemedyRequest> = {}) => {
  const evidence = evidenceWith(changes)
  return remediesFor(evidence, { ...requestFor(evidence), ...request })
}

describe('platformsOf', () => {
  test.each(CASES)('$what', ({ evidence: changes, platforms: expected }) => {
    expect(platformsOf(evidenceWith(changes)).map((platform) => platform.id)).toEqual(expected)
  })

  test('every platform has a row, and every file of one is registered', async () => {
    const covered = new Set(CASES.flatMap(({ platforms }) => platforms))
    expect(PLATFORMS.map(({ id }) => id).filter((id) => !covered.has(id))).toEqual([])
    const files = readdirSync('src/advice/platforms').filter(
      (file) => !/^(index|platform|unknown)\.ts$/.test(file),
    )
    for (const file of files) {
      const exported: Record<string, unknown> = await import(`../../../../src/advice/platforms/${file}`)
      const platforms = Object.values(exported).flat() as Platform[]
      expect(platforms.length, file).toBeGreaterThan(0)
      for (const platform of platforms) expect(PLATFORMS, file).toContain(platform)
    }
    expect(new Set(PLATFORMS.map(({ id }) => id)).size).toBe(PLATFORMS.length)
  })
})

describe('remediesFor', () => {
  test.each(CASES)('$what: its remedy', ({ evidence: changes, platforms: [first], texts }) => {
    const [remedy, ...others] = remediesOf(changes)
    for (const text of texts) expect(JSON.stringify(remedy)).toContain(JSON.stringify(text).slice(1, -1))
    for (const { steps, powerOffHow, notes, source, platform } of [remedy, ...others]) {
      expect(JSON.stringify(steps)).not.toMatch(/undefined|NaN|\$\{/)
      for (const sentence of [powerOffHow, ...notes])
        expect(sentence).toMatch(/^(?:[A-Z]|vCPUs |engine-config ).*\.$/)
      for (const { text } of steps) expect(text).toMatch(/^[A-Z].*[^.:]$/)
      expect(source, platform).toMatch(/\w{3}/)
    }
    expect(remedy.platform).toBe(first)
  })

  test.each(CASES)('$what: asks for queues only where there are some', ({ evidence: changes }) => {
    const [remedy] = remediesOf(changes)
    const text = JSON.stringify(remedy)
    if (remedy.multiqueue) {
      expect(remedy.check).toEqual([
        'ethtool -l ens3    # "Combined" under "Pre-set maximums": 8',
        'vqtune status ens3',
      ])
      if (remedy.platform !== 'gce') expect(text).toContain(changes.mac ?? MAC)
    } else {
      expect(remedy).toMatchObject({ reaches: 2, powerOff: false, check: ['vqtune status ens3'] })
      expect(text).not.toMatch(/Please give|queues=/)
    }
  })

  test.each(['mmio', 'ccw'] as const)('%s has no vectors to set and no PCI', (bus) => {
    for (const vendor of ['QEMU', 'Acme']) {
      const text = JSON.stringify(remediesOf({ vendor, bus }))
      expect(text).toContain(bus === 'ccw' ? 'virtio-net-ccw,mq=on' : 'virtio-net-device,mq=on')
      expect(text).not.toMatch(/vectors|pci/i)
    }
    expect(JSON.stringify(remediesOf({ vendor: 'Red Hat', product: 'KVM', bus }))).not.toMatch(/vectors|pci/i)
    expect(JSON.stringify(remediesOf({ vendor: 'QEMU', bus: 'other' }))).toContain('virtio-net,mq=on')
  })

  test('the request says how many are for XDP', () => {
    const text = JSON.stringify(remediesOf({}, { target: 16, xdpQueues: 8 }))
    expect(text).toContain(
      `Please give the virtio-net interface with MAC ${MAC} 16 queue pairs, 8 for its vCPUs and 8 for XDP (it has 2).`,
    )
    expect(text).toContain('mq=on,vectors=34')
  })

  test('the patch for KubeVirt is JSON that sets the documented field', () => {
    const [remedy] = remediesOf({ vendor: 'KubeVirt', product: 'None' })
    const line = remedy.steps.flatMap((step) => step.lines).find((text) => text.includes(' patch '))
    const patch = JSON.parse(/'(.*)'/.exec(line ?? '')?.[1] ?? '')
    expect(patch.spec.template.spec.domain.devices).toEqual({ networkInterfaceMultiqueue: true })
  })

  test.each([
    [{ vendor: 'OpenStack Foundation' }, 8],
    [{ vendor: 'KubeVirt' }, 8],
    [{ boardName: 'LXD' }, 8],
  ])('%j gives what the vCPUs ask for, not what is wanted', (changes, reaches) => {
    expect(remediesOf(changes)[0].notes.join(' ')).toContain('(8 now)')
    const other = remediesOf(changes, { target: 4 })[0]
    expect(other.notes.join(' ')).toContain('(8 now, for 4 wanted)')
    expect(other.reaches).toBe(reaches)
  })

  test('limits of the platform are kept and told', () => {
    const many = { target: 128, vcpus: 128 }
    const [proxmox] = remediesOf({ ...Q35, mac: 'bc:24:11:00:00:01' }, many)
    expect(JSON.stringify(proxmox.steps)).toMatch(/queues=64\b/)
    expect(proxmox.notes).toEqual(['Proxmox VE accepts at most 64 queues, older releases 16.'])
    const [gce] = remediesOf({ vendor: 'Google' }, many)
    expect(JSON.stringify(gce.steps)).toContain('queue-count=32')
    expect(gce.check[0]).toMatch(/: 32$/)
    expect(remediesOf({ vendor: 'KubeVirt' }, { vcpus: 300 })[0].reaches).toBe(256)
    expect(remediesOf({ boardName: 'LXD' }, { vcpus: 1 })[0].reaches).toBe(2)
  })

  test('what was not tried says so', () => {
    expect(remediesOf({ vendor: 'Red Hat', product: 'KVM' })[0].tried).toContain("libvirt's test driver")
    expect(remediesOf({ vendor: 'Nutanix' })[0]).toMatchObject({ tried: null })
  })
})

test('docs/platforms.md is made from the platforms', () => {
  const file = 'docs/platforms.md'
  const text = renderPlatforms()
  if (process.env.VQTUNE_UPDATE === '1') writeFileSync(file, text)
  expect(withoutPadding(readFileSync(file, 'utf8'))).toBe(withoutPadding(text))
})
