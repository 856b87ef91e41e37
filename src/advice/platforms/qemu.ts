/**
 * QEMU that is managed by nobody knows whom: libvirt, Proxmox VE, LXD, Incus, OpenNebula and scripts leave QEMU's own DMI
 * strings. So each way is one line, and the operator says which it is.
 */
import { type Platform, qemuOptions, requestText } from './platform'

export const QEMU: Platform = {
  id: 'qemu',
  title: 'QEMU/KVM with an unknown manager',
  recognisedBy:
    'vendor QEMU, or product Standard PC; virtio-ccw, and virtio-mmio with a control queue, without DMI',
  source: "QEMU's own strings (pc_machine_class, virt_build_smbios); the managers' own rows for the rest",
  tried: 'options of QEMU in the guest tests; the others as their own rows say',
  matches: () => false,
  resembles: ({ vendor, product, bus, controlQueue }) =>
    vendor === 'QEMU' ||
    product.startsWith('Standard PC') ||
    (vendor === '' && product === '' && (bus === 'ccw' || (bus === 'mmio' && controlQueue))),
  remedy: (request) => {
    const { mac, target, bus } = request
    return {
      reaches: target,
      steps: [
        { text: 'If others run the hypervisor, send them this request', lines: [requestText(request)] },
        {
          text: 'Set the queues where the virtual machine is managed, by one of these',
          lines: [
            `libvirt: vqtune host set-queues DOMAIN ${target} --nic ${mac} --apply    # or by hand: <driver name='vhost' queues='${target}'/>`,
            ...(bus === 'pci'
              ? [
                  `Proxmox VE: queues=${Math.min(target, 64)} in its network device (Hardware, Network Device, Multiqueue)`,
                  `OpenNebula: VIRTIO_QUEUES = "${target}" in its NIC`,
                ]
              : []),
            ...(bus === 'mmio'
              ? []
              : [
                  'LXD, Incus: stop and start it: it gets as many queues as vCPUs (limits.cpu) when it starts',
                ]),
            `QEMU: ${qemuOptions(request)}`,
          ],
        },
        { text: 'Power the virtual machine off and start it again there', lines: [] },
      ],
      powerOff: true,
      powerOffHow: 'A reboot inside the guest keeps the old device.',
      notes: [],
    }
  },
}
