/** Nutanix AHV: `acli vm.nic_update VM MAC queues=N`, from Nutanix's tuning guide for NFS clients. */
import type { Platform } from './platform'

export const NUTANIX: Platform = {
  id: 'nutanix',
  title: 'Nutanix AHV',
  recognisedBy: 'vendor Nutanix, or product AHV',
  source: "DMI: Ansible facts; Nutanix's tuning guide for NFS clients",
  tried: undefined,
  matches: ({ vendor, product }) => vendor === 'Nutanix' || product === 'AHV',
  remedy: ({ mac, target }) => ({
    reaches: target,
    steps: [
      { text: 'On a Controller VM, power the virtual machine off', lines: ['acli vm.shutdown VM'] },
      {
        text: 'Set the queues of this NIC and power it on',
        lines: [`acli vm.nic_update VM ${mac} queues=${target}`, 'acli vm.on VM'],
      },
    ],
    powerOff: true,
    powerOffHow: 'The queues take effect when the virtual machine is powered on.',
    notes: ['More queues than vCPUs have no benefit.'],
  }),
}
