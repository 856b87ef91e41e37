/** Cloud Hypervisor, by itself. num_queues counts receive and transmit queues. */
import type { Platform } from './platform'

export const CLOUD_HYPERVISOR: Platform = {
  id: 'cloud-hypervisor',
  title: 'Cloud Hypervisor',
  recognisedBy: 'vendor Cloud Hypervisor, or product cloud-hypervisor',
  source: 'Cloud Hypervisor, arch/src/x86_64/smbios.rs and vmm/src/config.rs (--net num_queues)',
  tried: undefined,
  matches: ({ vendor, product }) => vendor === 'Cloud Hypervisor' || product === 'cloud-hypervisor',
  remedy: ({ mac, target }) => ({
    reaches: target,
    steps: [
      {
        text: 'Where it is started, set num_queues of this NIC to twice the pairs',
        lines: [`cloud-hypervisor ... --net tap=TAP,mac=${mac},num_queues=${2 * target}`],
      },
      { text: 'End the virtual machine and start it again', lines: [] },
    ],
    powerOff: true,
    powerOffHow: 'A reboot inside the guest keeps the old device.',
    notes: [
      `A tap that was made beforehand must be multi-queue: ip tuntap add TAP mode tap multi_queue.`,
      'It accepts no more pairs than the virtual machine has vCPUs.',
    ],
  }),
}
