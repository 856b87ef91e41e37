/** OpenNebula with KVM. It leaves QEMU's DMI strings; its MAC addresses begin with MAC_PREFIX of oned.conf, 02:00. */
import type { Platform } from './platform'

export const OPENNEBULA: Platform = {
  id: 'opennebula',
  title: 'OpenNebula',
  recognisedBy: 'perhaps: vendor QEMU or Red Hat (KVM), and MAC 02:00',
  source: 'OpenNebula, LibVirtDriverKVM.cc (VIRTIO_QUEUES) and oned.conf (MAC_PREFIX)',
  tried: undefined,
  matches: ({ vendor, product }) => vendor === 'OpenNebula' || product === 'OpenNebula',
  resembles: ({ vendor, product, mac }) =>
    (vendor === 'QEMU' || (vendor === 'Red Hat' && product === 'KVM')) && /^02:00:/.test(mac),
  remedy: ({ mac, target }) => ({
    reaches: target,
    steps: [
      {
        text: `Find the virtual machine and the NIC_ID of the interface with MAC ${mac}`,
        lines: ['onevm list', `onevm show VM | grep -i -B8 ${mac}`],
      },
      {
        text: `Detach the NIC and attach it with VIRTIO_QUEUES = "${target}" (auto: as many as vCPUs), its other attributes as they were`,
        lines: [
          'onevm nic-detach VM NIC_ID',
          `onevm nic-attach VM --file FILE    # FILE: NIC = [ NETWORK_ID = ..., MAC = "${mac}", MODEL = "virtio", VIRTIO_QUEUES = "${target}" ]`,
        ],
      },
      { text: 'Put VIRTIO_QUEUES into the NIC of its template, too, for new virtual machines', lines: [] },
    ],
    powerOff: false,
    powerOffHow: 'The attached NIC has the queues at once; the guest loses its link and addresses meanwhile.',
    notes: [],
  }),
}
