import { describe, expect, test } from 'vitest'
import { run } from '../../../src/commands/explain'
import { capturedGuest, guestWith } from '../../support/captured-guest'
import { expectSchema } from '../../support/schema'
import { processFiles } from '../../support/systems'

interface Options {
  readonly files?: Readonly<Record<string, string>>
  readonly json?: boolean
  readonly nic?: string
}

async function explain(
  guest: string,
  { files = {}, json = false, nic = 'enp0s8' }: Options = {},
): Promise<string> {
  const system = guestWith(guest, files)
  const parts: string[] = []
  const code = await run({
    system,
    positionals: [nic],
    options: { json },
    configFile: undefined,
    out: (text) => parts.push(text),
    warn: () => undefined,
    color: false,
    signal: new AbortController().signal,
  })
  expect(code).toBe(0)
  return parts.join('').replaceAll(system.paths.root, '')
}

describe('vqtune explain', () => {
  test('ends with what this kernel does, by what it shows', async () => {
    const text = await explain('rhel9.6-changed', { nic: 'enp0s9' })
    expect(text).toContain(`
What this kernel does, by what it shows:
  channels at probe: cannot be told by looking (2 channels before any change by vqtune, 3 vCPUs online, host maximum 4: chosen by the kernel, or changed since)
  vCPU hot-plug: interrupts and XPS are laid out anew, channels are kept (virtio/net:online is in /sys/devices/system/cpu/hotplug/states)
  RSS table: does not follow channels, or was set by hand (it names 4 queues, 2 are in use)
  ring size: can be changed (RX 128 of 256, TX 256 of 256; host and driver have agreed on VIRTIO_F_RING_RESET)
  interrupt coalescing: rx-usecs, rx-frames, tx-usecs, tx-frames (ethtool -c shows them; the host limits what they may be)
  events of channels: ethtool --monitor and udev (ethtool and kernel talk netlink)
  counters per queue: rx_queue_N_packets and others (ethtool -S)

Slow under load: vqtune report enp0s9 says where the time goes
Next: vqtune apply enp0s9
`)
  })

  test('the channels before are those of the ledger; who may have set them is not taken for the kernel', async () => {
    const booted = JSON.parse(await explain('rhel10.0-4cpu-4q', { json: true })) as {
      kernel: readonly { trait: string; value: string; seen: string }[]
    }
    expectSchema('explain', booted)
    expect(booted.kernel[0]).toMatchObject({
      trait: 'channels-at-probe',
      value: 'one for each online vCPU, up to the maximum',
    })
    const link = '[Match]\nDriver=virtio_net\n[Link]\nCombinedChannels=4\n'
    const files = { '/etc/systemd/network/10-a.link': link }
    expect(await explain('rhel10.0-4cpu-4q', { files })).toContain('systemd-link may have set them')
  })

  test('converged: no limit', async () => {
    const text = await explain('debian-6.12-4cpu-4q')
    expect(text).toMatch(/^enp0s8: virtio-net, virtio\d+ at pci 0000:00:08\.0, MAC [0-9a-f:]{17}\n/)
    expect(text).toContain('\nchannels: 4 now, target 4, host maximum 4\n')
    expect(text).toContain('\ntarget: M = min(vCPUs 4, host 4) = 4: one per vCPU\n')
    expect(text).toContain('\nLimited by:\n  there is a queue pair for each of the 4 vCPUs: no limit\n')
    expect(text).toContain('\nQueues:\n  each queue is private to its vCPUs\n')
    expect(text).toContain('\nOther software that may change it:\n  none of the 25 known writers was found\n')
    expect(text).toMatch(/\nNext: nothing to do\n$/)
    expect(text).not.toContain('How to get more')
  })

  test('host-limits-2of4: the arithmetic, and the remedy with this MAC and target', async () => {
    const text = await explain('host-limits-2of4')
    expect(text).toContain('target: M = min(vCPUs 4, host 2) = 2: the maximum of the host\n')
    expect(text).toContain('  the host exposes 2 queue pairs; 4 vCPUs could use 4\n')
    const mac = /MAC (\S+)/.exec(text)?.[1]
    expect(text).toContain(`libvirt: vqtune host set-queues DOMAIN 4 --nic ${mac} --apply `)
    expect(text).toContain('Proxmox VE: queues=4 in its network device')
    expect(text).not.toMatch(/virsh|qm set/)
    expect(text).toContain('Tried: options of QEMU in the guest tests')
    expect(text).toContain('This needs a full power-off; a reboot is not enough')
    expect(text).toContain('ethtool -l enp0s8    # "Combined" under "Pre-set maximums": 4\n')
    expect(text).toMatch(/\nNext: the steps for QEMU\/KVM with an unknown manager above\n$/)
  })

  test.each([
    [
      'OpenStack Foundation',
      'OpenStack Nova',
      'openstack flavor set --property hw:vif_multiqueue_enabled=true',
    ],
    ['KubeVirt', 'None', 'networkInterfaceMultiqueue'],
    ['oVirt', 'oVirt Node', 'queues = 4 in the vNIC profile'],
    ['Nutanix', 'AHV', 'queues=4'],
    ['Google', 'Google Compute Engine', 'queue-count=4'],
    ['Alibaba Cloud', 'Alibaba Cloud ECS', '--QueueNumber 4'],
    ['Acme', 'Cloud', "<driver name='vhost' queues='4'/>"],
    ['Red Hat', 'KVM', 'virt-xml DOMAIN --edit mac='],
    ['Apache Software Foundation', 'CloudStack KVM Hypervisor', 'nic.multiqueue.number=4'],
  ])('on %s, %s: %s', async (vendor, product, expected) => {
    const files = {
      '/sys/devices/virtual/dmi/id/sys_vendor': `${vendor}\n`,
      '/sys/devices/virtual/dmi/id/product_name': `${product}\n`,
    }
    const text = await explain('host-limits-2of4', { files })
    expect(text).toContain(expected)
    expect(text).not.toContain('Proxmox')
  })

  test('another guest of this kind, without board and BIOS: whose they are is told by other strings', async () => {
    const dmi = (strings: Record<string, string>) =>
      Object.fromEntries(
        Object.entries(strings).map(([name, text]) => [`/sys/devices/virtual/dmi/id/${name}`, `${text}\n`]),
      )
    const lxd = await explain('host-limits-2of4', { files: dmi({ board_name: 'LXD' }) })
    expect(lxd).toContain('How to get more queue pairs from LXD:')
    expect(lxd).not.toMatch(/virsh|Proxmox|libvirt/)
    const oracle = await explain('host-limits-2of4', {
      files: dmi({ chassis_asset_tag: 'OracleCloud.com' }),
    })
    expect(oracle).toContain('Not tried by us. Source: DMI: cloud-init (DataSourceOracle)')
    const kata = { '/proc/cmdline': 'quiet systemd.unit=kata-containers.target\n' }
    expect(await explain('host-limits-2of4', { files: kata })).toContain('network_queues = 4 ')
  })

  test('a VMM without multi-queue is asked for nothing', async () => {
    const text = await explain('host-limits-2of4', {
      files: {
        '/sys/devices/virtual/dmi/id/sys_vendor': 'innotek GmbH\n',
        '/sys/devices/virtual/dmi/id/product_name': 'VirtualBox\n',
      },
    })
    expect(text).toContain('VirtualBox has no multi-queue, so there is nothing to ask for')
    expect(text).toContain('rps = "spread"')
    expect(text).not.toMatch(/->|power-off; |Pre-set|Please give/)
    expect(text).toMatch(/\nNext: nothing to ask for: VirtualBox has no multi-queue\n$/)
  })

  test.each([
    ['shared-vectors', 'enp0s8', 'MSI-X vectors', 'has no interrupt of its own'],
    ['intx', 'enp0s8', 'no MSI-X', 'pci=nomsi'],
    ['microvm-mmio', 'eth0', 'virtio-mmio', 'pcie=on'],
    ['debian-6.12-max1', 'enp0s8', 'VIRTIO_NET_F_MQ', 'one queue pair, shared by all vCPUs'],
    ['no-ctrl-vq', 'enp0s8', 'VIRTIO_NET_F_CTRL_VQ', 'ctrl_vq=on'],
    ['isolated-cpus', 'enp0s8', 'isolated', 'isolated-cpus = "use"'],
  ])('%s: %s', async (guest, nic, cause, action) => {
    const text = await explain(guest, { nic })
    expect(text).toContain(cause)
    expect(text).toContain(action)
  })

  test('xdp-attached: nothing is advised where the channels are as they should be', async () => {
    expect(await explain('xdp-attached')).not.toMatch(/XDP|->/)
    expect(await explain('xdp-attached')).toMatch(/\nNext: nothing to do\n$/)
    const files = { '/etc/vqtune/vqtune.toml': '[defaults]\nchannels = 1\n' }
    const other = await explain('xdp-attached', { files })
    expect(other).toContain('an XDP program is attached: the driver added')
    expect(other).toContain('ip link set dev enp0s8 xdp off')
  })

  test('hotplug-drift: the next command is apply', async () => {
    expect(await explain('hotplug-drift')).toMatch(/\nNext: vqtune apply enp0s8\n$/)
  })

  test('rivals, policy and the ledger are named, in JSON too', async () => {
    const files = {
      '/etc/vqtune/vqtune.toml': '[defaults]\ncap = 2\n',
      ...processFiles(77, 'irqbalance'),
      '/etc/systemd/network/10-a.link': '[Match]\nDriver=virtio_net\n[Link]\nCombinedChannels=1\n',
    }
    const text = await explain('debian-6.12-4cpu-4q', { files })
    expect(text).toContain('the configuration allows at most 2: cap = 2 (/etc/vqtune/vqtune.toml:1)')
    expect(text).toContain('  irqbalance (pid 77): runs and moves')
    expect(text).toContain('  systemd-link (/etc/systemd/network/10-a.link:4): sets CombinedChannels=1')
    expect(text).toContain('\nChanged by vqtune:\n  nothing since boot\n')
    const json = JSON.parse(await explain('debian-6.12-4cpu-4q', { files, json: true }))
    expectSchema('explain', json)
    expect(json).toMatchObject({
      version: 1,
      name: 'enp0s8',
      channels: {
        current: 4,
        ideal: 2,
        maximum: 4,
        limitedBy: 'policy',
        arithmetic: 'min(vCPUs 4, host 4, cap 2) = 2',
      },
      limits: [{ code: 'cap', onHost: false }],
      remedies: [],
      writers: [{ writer: 'irqbalance' }, { writer: 'systemd-link', matches: 'yes' }],
      ledger: null,
      next: 'vqtune apply enp0s8',
    })
  })

  test('what vqtune changed, what was cut short and what was rolled back', async () => {
    const { host, ...identity } = await identityOf('debian-6.12-4cpu-4q')
    const ledger = (entry: object) => ({
      '/run/vqtune/ledger.json': JSON.stringify({
        version: 1,
        bootId: host,
        entries: [{ ...identity, at: '2026-01-02T03:04:05Z', ...entry }],
      }),
    })
    const original = { channels: 1, queues: [{ rx: '0', tx: '0', xps: '0' }] }
    const applied = {
      channels: 4,
      queues: [
        { rx: '0', tx: '0', xps: '0' },
        { rx: '1', tx: '1', xps: '1' },
      ],
    }
    const guest = 'debian-6.12-4cpu-4q'
    expect(await explain(guest, { files: ledger({ original, applied }) })).toContain(
      '  channels 1 -> 4, at 2026-01-02T03:04:05Z\n  to restore the original values: vqtune rollback enp0s8\n',
    )
    expect(await explain(guest, { files: ledger({ original }) })).toContain(
      'interrupted; before it: channels 1',
    )
    const held = await explain(guest, { files: ledger({ held: true }) })
    expect(held).toContain('rolled back at 2026-01-02T03:04:05Z, held until the next boot or vqtune apply')
    expect(held).toMatch(/\nNext: vqtune apply enp0s8\n$/)
  })
})

/** Boot id and identity of the NIC of a captured guest, for a ledger of it. */
async function identityOf(
  guest: string,
): Promise<{ host: string; name: string; mac: string; virtio: string; ifindex: number }> {
  const { system } = capturedGuest(guest)
  const directory = `${system.paths.sysClassNet}/enp0s8`
  return {
    host: system.readText(system.paths.procBootId)?.trim() ?? '',
    name: 'enp0s8',
    mac: system.readText(`${directory}/address`)?.trim() ?? '',
    virtio: /virtio\d+/.exec(system.readLink(directory) ?? '')?.[0] ?? '',
    ifindex: Number(system.readText(`${directory}/ifindex`)),
  }
}
