/**
 * Google Compute Engine. Machine types with gVNIC are no virtio-net NICs at all. queueCount of the API's
 * NetworkInterface is for rx and tx alike, and immutable (so the Terraform provider, google_compute_instance).
 */
import type { Platform } from './platform'

/**
 * Queues of one virtio-net interface: gcloud's help of --network-interface gives each min(floor(vCPUs / interfaces), 32) by
 * default (16 for gVNIC), and has the keys queue-count and nic-type=VIRTIO_NET.
 */
const MAX_QUEUES = 32

export const GCE: Platform = {
  id: 'gce',
  title: 'Google Compute Engine',
  matches: ({ vendor, product }) => vendor === 'Google' || product === 'Google Compute Engine',
  remedy: ({ target, vcpus }) => {
    const queues = Math.min(target, MAX_QUEUES)
    return {
      reaches: queues,
      steps: [
        {
          text: 'Queues are set when an instance is created (queueCount of the network interface); by default its vCPUs are shared out among its interfaces',
          lines: [
            `gcloud compute instances create INSTANCE --zone=ZONE --machine-type=TYPE --network-interface=network=NETWORK,subnet=SUBNET,nic-type=VIRTIO_NET,queue-count=${queues}`,
          ],
        },
      ],
      powerOff: true,
      powerOffHow:
        'The count belongs to the interface as created: make a new instance from a disk image or snapshot of this one.',
      notes: [
        `One virtio-net interface takes ${MAX_QUEUES} queues at most, and those of all interfaces together are limited by the vCPUs (${vcpus}).`,
      ],
    }
  },
}
