/** QEMU/KVM managed by libvirt: virsh, virt-manager, Cockpit. RHEL's QEMU calls itself Red Hat KVM. */
import { type Platform, qemuOptions, type Remedy, type RemedyRequest } from './platform'

export const LIBVIRT: Platform = {
  id: 'libvirt',
  title: 'QEMU/KVM with libvirt',
  recognisedBy: 'vendor Red Hat and product KVM',
  source: "DMI: RHEL's QEMU; libvirt's domain format",
  tried: "set-queues, virt-xml and virsh with libvirt's test driver; the queues in guests of QEMU",
  matches: () => false,
  resembles: ({ vendor, product }) => vendor === 'Red Hat' && product === 'KVM',
  remedy: (request) => remedyOf(request),
}

function remedyOf(request: RemedyRequest): Remedy {
  const { mac, target } = request
  return {
    reaches: target,
    steps: [
      {
        text: 'On the hypervisor, find the virtual machine and its interface',
        lines: ['virsh list --all', `virsh domiflist DOMAIN | grep -i ${mac}`],
      },
      {
        text: 'Set the queues in its stored configuration, with one of these commands',
        lines: [
          `vqtune host set-queues DOMAIN ${target} --nic ${mac} --apply`,
          `virt-xml DOMAIN --edit mac=${mac} --network driver.name=vhost,driver.queues=${target}`,
          `virsh edit DOMAIN    # in the <interface> with this MAC: <driver name='vhost' queues='${target}'/>`,
        ],
      },
      {
        text: 'Power the virtual machine off, wait, and start it again',
        lines: ['virsh shutdown DOMAIN', 'virsh domstate DOMAIN    # until: shut off', 'virsh start DOMAIN'],
      },
    ],
    powerOff: true,
    powerOffHow: 'Shut the virtual machine down and start it again: only then does it get the new queues.',
    notes: [`QEMU without libvirt: ${qemuOptions(request)}.`],
  }
}
