/** VMMs whose virtio-net has one queue pair: nothing to ask for, so the guest does what it can. One entry each. */
import { operand } from '../../text/escape'
import type { Platform, RemedyRequest } from './platform'

interface SingleQueue
  extends Pick<Platform, 'id' | 'title' | 'recognisedBy' | 'source' | 'matches' | 'resembles'> {
  readonly note?: string
}

const VMMS: readonly SingleQueue[] = [
  {
    id: 'firecracker',
    title: 'Firecracker or a small VMM like it',
    recognisedBy:
      'no DMI strings, and a device without control queue (virtio-mmio, or PCI with --enable-pci)',
    source: 'Firecracker, src/vmm/src/devices/virtio/net: offers neither VIRTIO_NET_F_MQ nor CTRL_VQ',
    matches: ({ vendor, product, biosVendor, bus, controlQueue }) =>
      vendor === '' && product === '' && biosVendor === '' && !controlQueue && bus !== 'ccw',
    note: 'A VMM with multi-queue (QEMU, Cloud Hypervisor, crosvm) is the way if one vCPU cannot take the traffic.',
  },
  {
    id: 'virtualbox',
    title: 'VirtualBox',
    recognisedBy: 'vendor innotek GmbH, or product VirtualBox',
    source:
      'DMI: systemd-detect-virt, facter; VirtualBox, DevVirtioNet: VIRTIONET_MAX_QPAIRS is 1 (from memory, not looked up)',
    matches: ({ vendor, product }) => vendor === 'innotek GmbH' || product === 'VirtualBox',
  },
  {
    id: 'bhyve',
    title: 'bhyve',
    recognisedBy: 'product or BIOS vendor BHYVE',
    source:
      'DMI: systemd-detect-virt; FreeBSD, pci_virtio_net.c: one receive and one transmit queue (from memory, not looked up)',
    matches: ({ product, biosVendor }) => product === 'BHYVE' || biosVendor === 'BHYVE',
  },
  {
    id: 'apple',
    title: "Apple's Virtualization framework (UTM, Lima, vfkit, OrbStack)",
    recognisedBy: 'product Apple Virtualization...',
    source:
      'DMI: systemd-detect-virt; VZVirtioNetworkDeviceConfiguration has no number of queues (from memory, not looked up)',
    matches: ({ product }) => product.startsWith('Apple Virtualization'),
  },
  {
    id: 'parallels',
    title: 'Parallels Desktop',
    recognisedBy: 'vendor Parallels...',
    source:
      'DMI: systemd-detect-virt, Ansible facts; prlctl has no number of queues (from memory, not looked up)',
    matches: ({ vendor }) => vendor.startsWith('Parallels'),
  },
]

export const SINGLE_QUEUE: readonly Platform[] = VMMS.map(({ note, ...vmm }) => ({
  ...vmm,
  tried: 'rps = "spread" in the guest tests',
  singleQueue: true,
  remedy: ({ name, maximum }: RemedyRequest) => ({
    reaches: maximum,
    steps: [
      {
        text: 'Spread the receive work over the vCPUs in software: rps = "spread" in /etc/vqtune/vqtune.toml, then apply it',
        lines: [`vqtune apply ${operand(name)}`],
      },
    ],
    powerOff: false,
    powerOffHow: 'It takes effect at once.',
    notes: note === undefined ? [] : [note],
  }),
}))
