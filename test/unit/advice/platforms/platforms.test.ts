import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { PLATFORMS, platformsOf, remediesFor } from '../../../../src/advice/platforms/index'

const REQUEST = { name: 'ens3', mac: '52:54:00:ab:cd:01', target: 8, maximum: 2, vcpus: 8 }

/** DMI strings as the platforms set them. */
const DMI: readonly [string, string, string[]][] = [
  ['QEMU', 'Standard PC (Q35 + ICH9, 2009)', ['libvirt', 'proxmox']],
  ['QEMU', 'Standard PC (i440FX + PIIX, 1996)', ['libvirt', 'proxmox']],
  ['QEMU', 'KVM Virtual Machine', ['libvirt']],
  ['Red Hat', 'KVM', ['libvirt']],
  ['OpenStack Foundation', 'OpenStack Nova', ['openstack']],
  ['Red Hat', 'OpenStack Compute', ['openstack']],
  ['RDO', 'OpenStack Compute', ['openstack']],
  ['KubeVirt', 'None', ['kubevirt']],
  ['Red Hat', 'Container-native virtualization', ['kubevirt']],
  ['Red Hat', 'OpenShift Virtualization', ['kubevirt']],
  ['oVirt', 'oVirt Node', ['ovirt']],
  ['oVirt', 'RHEL', ['ovirt']],
  ['Red Hat', 'RHEV Hypervisor', ['ovirt']],
  ['Nutanix', 'AHV', ['nutanix']],
  ['Google', 'Google Compute Engine', ['gce']],
  ['Alibaba Cloud', 'Alibaba Cloud ECS', ['alibaba']],
  ['', '', ['unknown']],
  ['Microsoft Corporation', 'Virtual Machine', ['unknown']],
]

describe('platformsOf', () => {
  test.each(DMI)('%s, %s is %j', (vendor, product, expected) => {
    expect(platformsOf({ vendor: `${vendor}\n`, product }).map((platform) => platform.id)).toEqual(expected)
  })

  test('every file is registered', () => {
    const files = readdirSync('src/advice/platforms').map((file) => file.replace('.ts', ''))
    const others = ['index', 'platform', 'unknown']
    expect(PLATFORMS.map((platform) => platform.id).sort()).toEqual(
      files.filter((file) => !others.includes(file)).sort(),
    )
  })
})

describe('remediesFor', () => {
  test.each(DMI)('%s, %s: the lines to copy hold this NIC and this target', (vendor, product) => {
    for (const remedy of remediesFor({ vendor, product }, REQUEST)) {
      const text = JSON.stringify(remedy.steps)
      expect(text).not.toMatch(/undefined|NaN|\$\{/)
      if (remedy.platform !== 'gce') expect(text).toContain(REQUEST.mac)
      expect(JSON.stringify(remedy)).toMatch(/\b8\b/)
      expect(remedy.powerOff).toBe(true)
      expect(remedy.powerOffHow).toMatch(/^[A-Z].*\.$/)
      expect(remedy.check).toEqual([
        'ethtool -l ens3    # "Combined" under "Pre-set maximums": 8',
        'vqtune status ens3',
      ])
    }
  })

  test.each([
    ['QEMU', 'virt-xml DOMAIN --edit mac=52:54:00:ab:cd:01 --network driver.name=vhost,driver.queues=8'],
    ['OpenStack Foundation', 'openstack flavor set --property hw:vif_multiqueue_enabled=true FLAVOR'],
    ['OpenStack Foundation', 'openstack image set --property hw_vif_multiqueue_enabled=true IMAGE'],
    ['Nutanix', 'acli vm.nic_update VM 52:54:00:ab:cd:01 queues=8'],
    ['Alibaba Cloud', 'aliyun ecs ModifyNetworkInterfaceAttribute --NetworkInterfaceId ENI --QueueNumber 8'],
  ])('%s: %s', (vendor, line) => {
    const [remedy] = remediesFor({ vendor, product: '' }, REQUEST)
    expect(remedy.steps.flatMap((step) => step.lines)).toContain(line)
  })

  test('the patch for KubeVirt is JSON that sets the documented field', () => {
    const [remedy] = remediesFor({ vendor: 'KubeVirt', product: 'None' }, REQUEST)
    const line = remedy.steps.flatMap((step) => step.lines).find((text) => text.includes(' patch '))
    const patch = JSON.parse(/'(.*)'/.exec(line ?? '')?.[1] ?? '')
    expect(patch.spec.template.spec.domain.devices).toEqual({ networkInterfaceMultiqueue: true })
  })

  test.each(['OpenStack Foundation', 'KubeVirt'])(
    '%s gives what the vCPUs ask for, not what is wanted',
    (vendor) => {
      const notes = (target: number) =>
        remediesFor({ vendor, product: '' }, { ...REQUEST, target })[0].notes[0]
      expect(notes(8)).toContain('(8 now)')
      expect(notes(4)).toContain('(8 now, for 4 wanted)')
    },
  )

  test('limits of the platform are kept and told', () => {
    const many = { ...REQUEST, target: 128, vcpus: 128 }
    const proxmox = remediesFor({ vendor: 'QEMU', product: 'Standard PC (Q35)' }, many)[1]
    expect(JSON.stringify(proxmox?.steps)).toMatch(/queues=64\b/)
    expect(proxmox?.notes).toEqual(['Proxmox VE accepts at most 64 queues, older releases 16.'])
    const [gce] = remediesFor({ vendor: 'Google', product: '' }, many)
    expect(JSON.stringify(gce.steps)).toContain('queue-count=32')
    expect(gce.check[0]).toMatch(/: 32$/)
  })
})
