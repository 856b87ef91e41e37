/** Any other platform, and guests without DMI: a request to the provider. */
import type { Platform } from './platform'

export const UNKNOWN: Platform = {
  id: 'unknown',
  title: 'an unknown platform',
  matches: () => true,
  remedy: ({ mac, target, maximum }) => ({
    reaches: target,
    steps: [
      {
        text: 'Send this request to the operator of the hypervisor',
        lines: [
          `Please give the virtio-net interface with MAC ${mac} ${target} queue pairs (it has ${maximum}).`,
          `libvirt: <driver name='vhost' queues='${target}'/> in that <interface>; QEMU: mq=on,vectors=${2 * target + 2} and queues=${target} of its tap.`,
        ],
      },
      { text: 'Have the virtual machine powered off and on', lines: [] },
    ],
    powerOff: true,
    powerOffHow: 'A reboot inside the guest keeps the old device.',
    notes: [],
  }),
}
