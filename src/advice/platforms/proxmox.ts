/** Proxmox VE. Its DMI strings are QEMU's own; since release 8.0 its MAC addresses have Proxmox's prefix by default. */
import type { Platform } from './platform'

/** Maximum of queues= in netX (API schema of /nodes/{node}/qemu/{vmid}/config: 0 to 64; older releases: 16). */
const MAX_QUEUES = 64
const OLD_MAX_QUEUES = 16

export const PROXMOX: Platform = {
  id: 'proxmox',
  title: 'Proxmox VE',
  recognisedBy: 'perhaps: vendor QEMU and MAC BC:24:11',
  source: "Proxmox VE's API schema (/nodes/{node}/qemu/{vmid}/config) and datacenter.cfg (mac_prefix)",
  tried: undefined,
  matches: () => false,
  resembles: ({ vendor, mac }) => vendor === 'QEMU' && /^bc:24:11:/i.test(mac),
  remedy: ({ mac, target }) => {
    const queues = Math.min(target, MAX_QUEUES)
    return {
      reaches: queues,
      steps: [
        {
          text: 'On the node, find the netX of this NIC',
          lines: [`qm config VMID | grep -i ${mac}`],
        },
        {
          text: 'Set its queues and keep its other options (here for net0); or in the web interface: Hardware, Network Device, Multiqueue',
          lines: [
            `qm set VMID --net0 "$(qm config VMID | sed -n 's/^net0: //p' | sed 's/,queues=[0-9]*//'),queues=${queues}"`,
          ],
        },
        { text: 'Power the virtual machine off and on', lines: ['qm shutdown VMID && qm start VMID'] },
      ],
      powerOff: true,
      powerOffHow:
        'Shut the virtual machine down and start it again; a reboot inside the guest does not apply pending changes.',
      notes:
        target > OLD_MAX_QUEUES
          ? [`Proxmox VE accepts at most ${MAX_QUEUES} queues, older releases ${OLD_MAX_QUEUES}.`]
          : [],
    }
  },
}
