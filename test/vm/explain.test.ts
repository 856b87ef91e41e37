import { writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { BUNDLE, capturedRoot, vqtune } from '../support/bundle'
import { expectSchema } from '../support/schema'
import { runInGuest } from './lib/quick-guest'

/**
 * What `vqtune explain` says when the host allows 2 queue pairs to a guest of 4 vCPUs: in a real guest with a NIC of that
 * kind and one of each odd kind; and with the SMBIOS strings of each platform. How a kernel shows those is read in real
 * guests that start no more than that takes, and put into the captured tree of a guest that is the same otherwise.
 */
const MAC = '52:54:00:77:00:00'

interface Platform {
  readonly name: string
  /** What the platform writes into SMBIOS type 1. */
  readonly smbios: { readonly manufacturer: string; readonly product: string }
  /** Every line to copy, of all remedies, in order. */
  readonly lines: readonly string[]
  readonly platforms: readonly string[]
}

const LIBVIRT_LINES = [
  'virsh list --all',
  `virsh domiflist DOMAIN | grep -i ${MAC}`,
  `vqtune host set-queues DOMAIN 4 --nic ${MAC} --apply`,
  `virt-xml DOMAIN --edit mac=${MAC} --network driver.name=vhost,driver.queues=4`,
  `virsh edit DOMAIN    # in the <interface> with this MAC: <driver name='vhost' queues='4'/>`,
  'virsh shutdown DOMAIN',
  'virsh domstate DOMAIN    # until: shut off',
  'virsh start DOMAIN',
]

/** Proxmox VE looks the same. */
const QEMU_LINES = [
  ...LIBVIRT_LINES,
  `qm config VMID | grep -i ${MAC}`,
  `qm set VMID --net0 "$(qm config VMID | sed -n 's/^net0: //p' | sed 's/,queues=[0-9]*//'),queues=4"`,
  'qm shutdown VMID && qm start VMID',
]

const OVIRT_LINES = [
  "ansible localhost -m ovirt.ovirt.ovirt_vm -a 'name=VM multi_queues_enabled=true'",
  'engine-config -s "CustomDeviceProperties={type=interface;prop={queues=[1-9][0-9]*}}" --cver=CLUSTER_VERSION',
  'systemctl restart ovirt-engine',
]

const PLATFORMS: readonly Platform[] = [
  {
    name: 'RHEL with libvirt',
    smbios: { manufacturer: 'Red Hat', product: 'KVM' },
    platforms: ['libvirt'],
    lines: LIBVIRT_LINES,
  },
  {
    name: 'OpenStack',
    smbios: { manufacturer: 'OpenStack Foundation', product: 'OpenStack Nova' },
    platforms: ['openstack'],
    lines: [
      `openstack port list --mac-address ${MAC} -c ID -c device_id -f value`,
      'openstack flavor set --property hw:vif_multiqueue_enabled=true FLAVOR',
      'openstack image set --property hw_vif_multiqueue_enabled=true IMAGE',
      'openstack server resize --flavor OTHER_FLAVOR SERVER',
      'openstack server resize confirm SERVER',
    ],
  },
  {
    name: 'KubeVirt',
    smbios: { manufacturer: 'KubeVirt', product: 'None' },
    platforms: ['kubevirt'],
    lines: [
      `kubectl get vmi -A -o json | grep -i -B20 ${MAC}`,
      `kubectl -n NAMESPACE patch vm VM --type merge -p '{"spec":{"template":{"spec":{"domain":{"devices":{"networkInterfaceMultiqueue":true}}}}}}'`,
      'virtctl -n NAMESPACE restart VM',
    ],
  },
  {
    name: 'oVirt',
    smbios: { manufacturer: 'oVirt', product: 'oVirt Node' },
    platforms: ['ovirt'],
    lines: OVIRT_LINES,
  },
  {
    name: 'Red Hat Virtualization',
    smbios: { manufacturer: 'Red Hat', product: 'RHEV Hypervisor' },
    platforms: ['ovirt'],
    lines: OVIRT_LINES,
  },
  {
    name: 'Nutanix AHV',
    smbios: { manufacturer: 'Nutanix', product: 'AHV' },
    platforms: ['nutanix'],
    lines: ['acli vm.shutdown VM', `acli vm.nic_update VM ${MAC} queues=4`, 'acli vm.on VM'],
  },
  {
    name: 'Google Compute Engine',
    smbios: { manufacturer: 'Google', product: 'Google Compute Engine' },
    platforms: ['gce'],
    lines: [
      'gcloud compute instances create INSTANCE --zone=ZONE --machine-type=TYPE --network-interface=network=NETWORK,subnet=SUBNET,nic-type=VIRTIO_NET,queue-count=4',
    ],
  },
  {
    name: 'Alibaba Cloud',
    smbios: { manufacturer: 'Alibaba Cloud', product: 'Alibaba Cloud ECS' },
    platforms: ['alibaba'],
    lines: [
      'aliyun ecs DescribeInstanceTypes --InstanceTypes.1 TYPE    # EniQuantity, PrimaryEniQueueNumber, SecondaryEniQueueNumber',
      'aliyun ecs StopInstance --InstanceId INSTANCE',
      'aliyun ecs ModifyInstanceSpec --InstanceId INSTANCE --InstanceType TYPE',
      'aliyun ecs StartInstance --InstanceId INSTANCE',
      'aliyun ecs ModifyNetworkInterfaceAttribute --NetworkInterfaceId ENI --QueueNumber 4',
    ],
  },
  {
    name: 'a platform that is not known',
    smbios: { manufacturer: 'Acme Hosting', product: 'Cloud Server' },
    platforms: ['unknown'],
    lines: [
      `Please give the virtio-net interface with MAC ${MAC} 4 queue pairs (it has 2).`,
      `libvirt: <driver name='vhost' queues='4'/> in that <interface>; QEMU: mq=on,vectors=10 and queues=4 of its tap.`,
    ],
  },
]

interface Explanation {
  readonly hypervisor: { vendor: string; product: string }
  readonly channels: { current: number; maximum: number }
  readonly limits: { code: string; text: string; next: string | null }[]
  readonly remedies: {
    platform: string
    steps: { lines: string[] }[]
    powerOff: boolean
    powerOffHow: string
    check: string[]
  }[]
  readonly next: string
}

function parse(text: string): Explanation {
  const json: unknown = JSON.parse(text)
  expectSchema('explain', json)
  return json as Explanation
}

/** The NIC has 2 queue pairs for 4 vCPUs, and these platforms' remedies are told in both forms. */
function expectRemedies(
  nic: string,
  { json, text }: { json: Explanation; text: string },
  platforms: readonly string[],
  lines: readonly string[],
): void {
  expect(json.channels).toMatchObject({ current: 2, maximum: 2 })
  expect(json.limits.map(({ code }) => code)).toEqual(['host-maximum'])
  expect(json.remedies.map(({ platform }) => platform)).toEqual(platforms)
  expect(json.remedies.flatMap(({ steps }) => steps.flatMap((step) => step.lines))).toEqual(lines)
  for (const line of lines) expect(text).toContain(`     ${line}\n`)
  for (const remedy of json.remedies) {
    expect(remedy.powerOff).toBe(true)
    expect(text).toContain(`This needs a full power-off; a reboot is not enough. ${remedy.powerOffHow}`)
    expect(remedy.check).toEqual([
      `ethtool -l ${nic}    # "Combined" under "Pre-set maximums": 4`,
      `vqtune status ${nic}`,
    ])
  }
  expect(text).toContain('the host exposes 2 queue pairs; 4 vCPUs could use 4')
  expect(text).toContain(`Afterwards, in this guest:\n       ethtool -l ${nic}`)
  expect(json.next).toMatch(/^the steps for .* above, on the hypervisor side$/)
}

describe('platforms', () => {
  const AT_A_TIME = 2
  /** By platform: what the kernel shows, as it shows it. */
  const shown = new Map<string, readonly string[]>()
  beforeAll(async () => {
    const waiting = [...PLATFORMS]
    const worker = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const { name, smbios } = next
        const options = { kernel: '6.1', cpus: 1, memoryMiB: 128, nics: [], smbios } as const
        const output = await runInGuest(options, 'cd /sys/class/dmi/id; cat sys_vendor product_name')
        shown.set(name, output.split(/(?<=\n)/))
      }
    }
    await Promise.all(Array.from({ length: AT_A_TIME }, worker))
  })

  test.each(PLATFORMS)('$name', async ({ name, smbios, platforms, lines }) => {
    const [vendor, product] = shown.get(name) ?? []
    expect([vendor, product]).toEqual([`${smbios.manufacturer}\n`, `${smbios.product}\n`])
    const root = capturedRoot('host-limits-2of4')
    const dmi = `${root}/sys/devices/virtual/dmi/id`
    writeFileSync(`${dmi}/sys_vendor`, vendor ?? '')
    writeFileSync(`${dmi}/product_name`, product ?? '')
    const nic = 'enp0s8'
    const json = await vqtune(['explain', nic, '--json', '--root', root])
    const text = await vqtune(['explain', nic, '--root', root])
    expect([json, text]).toMatchObject([
      { code: 0, stderr: '' },
      { code: 0, stderr: '' },
    ])
    const explanation = parse(json.stdout)
    expect(explanation.hypervisor).toEqual({ vendor: smbios.manufacturer, product: smbios.product })
    expectRemedies(nic, { json: explanation, text: text.stdout }, platforms, lines)
  })
})

/** QEMU offers what needs the control queue even without it, and the driver then refuses the device. */
const NO_CONTROL_QUEUE = Object.fromEntries(
  ['ctrl_vq', 'ctrl_rx', 'ctrl_vlan', 'ctrl_mac_addr', 'ctrl_guest_offloads', 'guest_announce'].map(
    (feature) => [feature, 'off'],
  ),
)

const SEPARATOR = '\n----8<----\n'

test('each odd NIC gets its own text, and a NIC that was given enough passes the check', async () => {
  const kinds = [
    { queues: 2, mac: MAC },
    { queues: 1, mac: '52:54:00:77:00:01' },
    { queues: 1, props: NO_CONTROL_QUEUE },
    { queues: 4, vectors: 3 },
    { queues: 4, vectors: 0 },
    { queues: 4 },
  ]
  const cut = `printf '${SEPARATOR.replaceAll('\n', '\\n')}'`
  const script = [
    'ethtool -l eth5; vqtune status eth5',
    'vqtune explain eth0 --json',
    ...kinds.map((_, i) => `NO_COLOR=1 vqtune explain eth${i}`),
  ]
  const output = await runInGuest(
    { kernel: '6.12', cpus: 4, memoryMiB: 512, vqtune: BUNDLE, nics: kinds },
    script.join(`\n${cut}\n`),
  )
  const [before = '', json = '', ...texts] = output.split(SEPARATOR)
  expect(texts).toHaveLength(kinds.length)
  const limited = { json: parse(json), text: texts[0] ?? '' }
  expect(limited.json.hypervisor.vendor).toBe('QEMU')
  expectRemedies('eth0', limited, ['libvirt', 'proxmox'], QEMU_LINES)
  const wanted = [
    'the host exposes 2 queue pairs',
    'the host does not offer multiple queues (feature VIRTIO_NET_F_MQ)',
    'no control virtqueue (feature VIRTIO_NET_F_CTRL_VQ)',
    'too few MSI-X vectors',
    'the device has no MSI-X: all queues share one level interrupt (INTx)',
    'no limit',
  ]
  for (const [i, text] of texts.entries()) {
    for (const [k, words] of wanted.entries()) expect(text.includes(words), `eth${i}: ${words}`).toBe(i === k)
  }
  expect(texts[3]).toContain(
    'QEMU: vectors=10; libvirt: remove <driver ... vectors=>), then power off and on',
  )
  expect(texts[4]).toContain('remove pci=nomsi from the kernel command line')
  // The first are the host's to mend: its remedy is told, with their own MAC.
  expect(texts[1]).toContain(
    'virt-xml DOMAIN --edit mac=52:54:00:77:00:01 --network driver.name=vhost,driver.queues=4',
  )
  expect(texts[2]).toContain('ctrl_vq=on')
  // What "how to check afterwards" says is what a NIC with 4 queue pairs shows.
  expect(before).toMatch(/Pre-set maximums:[\s\S]*?Combined:\s+4\n/)
  expect(before).toContain('eth5')
})
