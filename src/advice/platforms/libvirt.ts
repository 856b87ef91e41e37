/** QEMU/KVM managed by libvirt: virsh, virt-manager, Cockpit. RHEL's QEMU calls itself Red Hat KVM. */
import type { Platform } from './platform'

export const LIBVIRT: Platform = {
  id: 'libvirt',
  title: 'QEMU/KVM with libvirt',
  matches: ({ vendor, product }) => vendor === 'QEMU' || (vendor === 'Red Hat' && product === 'KVM'),
  remedy: ({ mac, target }) => ({
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
    notes: ['Direct QEMU: -netdev tap,queues=N and -device virtio-net-pci,mq=on,vectors=2N+2.'],
  }),
}
