/**
 * oVirt and Red Hat Virtualization: the vendor is oVirt or Red Hat (ovirt-engine, LibvirtVmXmlBuilder), the product the
 * node's system, oVirt Node, RHEV Hypervisor, RHVH or RHEL (vdsm, OSName).
 */
import type { Platform } from './platform'

export const OVIRT: Platform = {
  id: 'ovirt',
  title: 'oVirt or Red Hat Virtualization',
  recognisedBy: 'vendor or product oVirt..., or vendor Red Hat and product RHEV, RHV or RHEL',
  source: 'DMI: ovirt-engine (LibvirtVmXmlBuilder), vdsm (OSName); ovirt_vm of Ansible, engine-config',
  tried: undefined,
  matches: ({ vendor, product }) =>
    vendor === 'oVirt' ||
    product.startsWith('oVirt') ||
    (vendor === 'Red Hat' && /^(RHEV|RHV|RHEL)/.test(product)),
  remedy: ({ mac, target }) => ({
    reaches: target,
    steps: [
      {
        text: `In the Administration Portal, edit the virtual machine of ${mac}: Resource Allocation, Multi Queues enabled; or by Ansible`,
        lines: ["ansible localhost -m ovirt.ovirt.ovirt_vm -a 'name=VM multi_queues_enabled=true'"],
      },
      {
        text: `When that gives fewer than ${target}: on the engine, allow the custom property, then set queues = ${target} in the vNIC profile of this NIC`,
        lines: [
          `engine-config -s "CustomDeviceProperties={type=interface;prop={queues=[1-9][0-9]*}}" --cver=CLUSTER_VERSION`,
          'systemctl restart ovirt-engine',
        ],
      },
      { text: 'Power the virtual machine off and run it again', lines: [] },
    ],
    powerOff: true,
    powerOffHow:
      'Shut the virtual machine down and run it again from the portal; a reboot inside the guest is not enough.',
    notes: [
      'engine-config -s replaces the whole value: include the properties that are there (engine-config -g CustomDeviceProperties).',
    ],
  }),
}
