import { writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { BUNDLE, capturedRoot, vqtune } from '../support/bundle'
import { expectSchema } from '../support/schema'
import { runInGuest } from './lib/quick-guest'
import { xdpPassObject } from './lib/xdp-object'

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
  /** What it writes into the types of board and chassis, as QEMU takes it. */
  readonly tables?: readonly string[]
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

/** Whoever manages it: QEMU's own strings tell nothing of that. */
const QEMU_LINES = [
  `Please give the virtio-net interface with MAC ${MAC} 4 queue pairs (it has 2).`,
  `libvirt: vqtune host set-queues DOMAIN 4 --nic ${MAC} --apply    # or by hand: <driver name='vhost' queues='4'/>`,
  'Proxmox VE: queues=4 in its network device (Hardware, Network Device, Multiqueue)',
  'OpenNebula: VIRTIO_QUEUES = "4" in its NIC',
  'LXD, Incus: stop and start it: it gets as many queues as vCPUs (limits.cpu) when it starts',
  'QEMU: -netdev tap,queues=4 and -device virtio-net-pci,mq=on,vectors=10',
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
      'openstack server image create --name IMAGE SERVER',
      'openstack image set --property hw_vif_multiqueue_enabled=true IMAGE',
      'openstack server create --image IMAGE --flavor FLAVOR --network NETWORK NEW_SERVER',
      'openstack flavor set --property hw:vif_multiqueue_enabled=true OTHER_FLAVOR',
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
    name: 'LXD',
    smbios: { manufacturer: 'QEMU', product: 'Standard PC' },
    tables: ['type=2,manufacturer=Canonical Ltd.,product=LXD'],
    platforms: ['lxd'],
    lines: [
      'lxc list --all-projects -c n,volatile.eth0.hwaddr:MAC',
      'lxc config get INSTANCE limits.cpu    # to set: lxc config set INSTANCE limits.cpu=4',
      'lxc stop INSTANCE',
      'lxc start INSTANCE',
    ],
  },
  {
    name: 'Oracle Cloud',
    smbios: { manufacturer: 'QEMU', product: 'Standard PC' },
    tables: ['type=3,asset=OracleCloud.com'],
    platforms: ['oracle'],
    lines: [
      `Please give the virtio-net interface with MAC ${MAC} 4 queue pairs (it has 2).`,
      `oci compute instance update --instance-id INSTANCE --launch-options '{"networkType": "VFIO"}'`,
    ],
  },
  {
    name: 'a platform that is not known',
    smbios: { manufacturer: 'Acme Hosting', product: 'Cloud Server' },
    platforms: ['unknown'],
    lines: [
      `Please give the virtio-net interface with MAC ${MAC} 4 queue pairs (it has 2).`,
      `libvirt: <driver name='vhost' queues='4'/> in that <interface>; QEMU: -netdev tap,queues=4 and -device virtio-net-pci,mq=on,vectors=10.`,
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
  expect(json.next).toMatch(/^the steps for .* above$/)
}

const DMI_FILES = ['sys_vendor', 'product_name', 'board_vendor', 'board_name', 'chassis_asset_tag']

describe('platforms', () => {
  const AT_A_TIME = 2
  /** By platform: what the kernel shows, as it shows it. */
  const shown = new Map<string, readonly string[]>()
  beforeAll(async () => {
    const waiting = [...PLATFORMS]
    const worker = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const { name, smbios, tables: smbiosTables = [] } = next
        const options = {
          ...({ kernel: '6.1', cpus: 1, memoryMiB: 128, nics: [] } as const),
          ...{ smbios, smbiosTables },
        }
        const files = DMI_FILES.join(' ')
        const show = `cd /sys/class/dmi/id; for file in ${files}; do cat $file 2>/dev/null || echo; done`
        shown.set(name, (await runInGuest(options, show)).split(/(?<=\n)/))
      }
    }
    await Promise.all(Array.from({ length: AT_A_TIME }, worker))
  })

  test.each(PLATFORMS)('$name', async ({ name, smbios, platforms, lines }) => {
    const seen = shown.get(name) ?? []
    expect(seen.slice(0, 2)).toEqual([`${smbios.manufacturer}\n`, `${smbios.product}\n`])
    const root = capturedRoot('host-limits-2of4')
    const dmi = `${root}/sys/devices/virtual/dmi/id`
    for (const [i, file] of DMI_FILES.entries()) writeFileSync(`${dmi}/${file}`, seen[i] ?? '')
    const nic = 'enp0s8'
    const json = await vqtune(['explain', nic, '--json', '--root', root])
    const text = await vqtune(['explain', nic, '--root', root])
    expect([json, text]).toMatchObject([
      { code: 0, stderr: '' },
      { code: 0, stderr: '' },
    ])
    const explanation = parse(json.stdout)
    expect(explanation.hypervisor).toMatchObject({ vendor: smbios.manufacturer, product: smbios.product })
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
    ...['/run/kept --keep-addresses', '/run/replaced'].map((args) => `vqtune capture ${args} --window 1`),
    'NO_COLOR=1 vqtune explain eth0 --root /run/kept',
    'vqtune plan --json',
    'base64 -w0 /run/replaced',
  ]
  const output = await runInGuest(
    { kernel: '6.12', cpus: 4, memoryMiB: 512, vqtune: BUNDLE, nics: kinds },
    script.join(`\n${cut}\n`),
  )
  const [before = '', json = '', ...rest] = output.split(SEPARATOR)
  const texts = rest.slice(0, kinds.length)
  expect(rest).toHaveLength(kinds.length + 5)
  const limited = { json: parse(json), text: texts[0] ?? '' }
  expect(limited.json.hypervisor.vendor).toBe('QEMU')
  expectRemedies('eth0', limited, ['qemu'], QEMU_LINES)
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
  expect(texts[1]).toContain('vqtune host set-queues DOMAIN 4 --nic 52:54:00:77:00:01 --apply')
  expect(texts[2]).toContain('ctrl_vq=on')
  // What "how to check afterwards" says is what a NIC with 4 queue pairs shows.
  expect(before).toMatch(/Pre-set maximums:[\s\S]*?Combined:\s+4\n/)
  expect(before).toContain('eth5')

  // A capture says what the guest says, there and here.
  const [kept, replaced, explained, plan = '', packed = ''] = rest.slice(kinds.length)
  expect(kept).toMatch(
    /^PART [\s\S]*\nlater\/ [\s\S]*\naddresses, names and serial numbers are as they were read\n/,
  )
  expect(replaced).toMatch(/\nreplaced: 6 MAC addresses, /)
  // How far a search comes in its time is up to the machine.
  const searched = (text = '') => text.replace(/^ {2}not searched: .*\n/gm, '')
  expect(searched(explained?.replaceAll('/run/kept/', '/'))).toBe(searched(texts[0]))
  const file = `${capturedRoot('host-limits-2of4')}/real.tar.gz`
  writeFileSync(file, Buffer.from(packed, 'base64'))
  expect(await vqtune(['plan', '--json', '--root', file])).toEqual({ code: 0, stdout: plan, stderr: '' })
  const report = await vqtune(['report', 'eth0', '--window', '3600', '--root', file])
  expect(report).toMatchObject({ code: 0, stdout: expect.stringMatching(/^eth0: 2 channels, \d+\.\d s\n/) })
  expect((await vqtune(['explain', 'eth0', '--root', file])).stdout).toContain('MAC 52:54:00:00:00:00')
})

test('XDP: its queues are counted, and nothing is advised where the channels are as they should be', async () => {
  const object = xdpPassObject().toString('base64')
  const cut = `printf '${SEPARATOR.replaceAll('\n', '\\n')}'`
  const parts = [
    // Two vCPUs: eth0 has a queue pair for each and two for XDP, eth1 none for XDP, eth2 one in all.
    'for nic in eth0 eth1 eth2; do ip link set dev $nic xdpdrv obj /tmp/xdp.o sec xdp; done; NO_COLOR=1 vqtune explain eth0',
    'NO_COLOR=1 vqtune explain eth1',
    'NO_COLOR=1 vqtune explain eth2',
    "dmesg | grep 'XDP request'",
    // Above the driver, channels can be changed; in it, they cannot.
    'ethtool -L eth3 combined 1; ip link set dev eth3 xdpgeneric obj /tmp/xdp.o sec xdp; vqtune apply eth3; NO_COLOR=1 vqtune explain eth3',
    'ethtool -L eth4 combined 1; ip link set dev eth4 xdpdrv obj /tmp/xdp.o sec xdp; vqtune apply eth4; NO_COLOR=1 vqtune explain eth4',
    'ip link set dev eth4 xdp off; vqtune apply eth4; ip link set dev eth4 xdpdrv obj /tmp/xdp.o sec xdp; NO_COLOR=1 vqtune explain eth4',
  ]
  const output = await runInGuest(
    {
      ...{ kernel: '6.12', cpus: 2, memoryMiB: 512, vqtune: BUNDLE },
      nics: [4, 2, 1, 2, 3].map((queues) => ({ queues })),
    },
    [`echo ${object} | base64 -d >/tmp/xdp.o`, parts.join(`\n${cut}\n`)].join('\n'),
  )
  const [own = '', lock = '', single = '', log = '', generic = '', kept = '', after = ''] =
    output.split(SEPARATOR)
  expect(own).toContain('there is a queue pair for each of the 2 vCPUs: no limit')
  expect(own).toMatch(/Next: nothing to do\n$/)
  expect(lock).toContain('it needs 4 queue pairs (2 in use + 2 possible vCPUs); the host exposes 2')
  expect(lock).not.toMatch(/->|xdp off/)
  expect(lock).toMatch(/Next: nothing to do\n$/)
  expect(single).toContain('it needs 3 queue pairs (1 in use + 2 possible vCPUs), 4 with 2 in use')
  expect(single).toContain('give this NIC 4 queues on the host, 2 for the channels and 2 for XDP')
  expect(single).not.toContain('xdp off')
  // The driver's own words (once for the module) are for the first that had too few.
  expect(log).toContain('XDP request 4 queues but max is 2')
  expect(generic).toContain('channels: 2 now, target 2, host maximum 2')
  expect(generic).not.toContain('XDP')
  expect(kept).toContain('channels: 1 now, target 1, host maximum 3')
  expect(kept).toContain('leave it as it is: with 2 channels XDP would send with a lock for each packet')
  expect(after).toContain('channels: 2 now, target 2, host maximum 3')
  expect(after).toContain('it needs 4 queue pairs (2 in use + 2 possible vCPUs); the host exposes 3')
})
