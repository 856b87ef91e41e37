/**
 * Google Compute Engine. gVNIC interfaces are not virtio-net. queueCount of the API's
 * NetworkInterface is for rx and tx alike, and immutable (so the Terraform provider, google_compute_instance).
 */
import type { Platform } from './platform'

/**
 * Queues of one virtio-net interface: gcloud's help for --network-interface documents a default of
 * min(floor(vCPUs / interfaces), 32) (16 for gVNIC) and the keys queue-count and nic-type=VIRTIO_NET.
 */
const MAX_QUEUES = 32

export const GCE: Platform = {
  id: 'gce',
  title: 'Google Compute Engine',
  recognisedBy: 'vendor Google, or product Google Compute Engine',
  source: "DMI: cloud-init (DataSourceGCE); gcloud's help for --network-interface",
  tried: undefined,
  matches: ({ vendor, product }) => vendor === 'Google' || product === 'Google Compute Engine',
  remedy: ({ target, vcpus }) => {
    const queues = Math.min(target, MAX_QUEUES)
    return {
      reaches: queues,
      steps: [
        {
          text: 'Queues are set when an instance is created (queueCount of the network interface); by default its vCPUs are divided among its interfaces',
          lines: [
            `gcloud compute instances create INSTANCE --zone=ZONE --machine-type=TYPE --network-interface=network=NETWORK,subnet=SUBNET,nic-type=VIRTIO_NET,queue-count=${queues}`,
          ],
        },
      ],
      powerOff: true,
      powerOffHow:
        'The count of an existing interface cannot be changed: create a new instance from a disk image or snapshot of this one.',
      notes: [
        `A virtio-net interface takes at most ${MAX_QUEUES} queues; all interfaces together are limited by the vCPUs (${vcpus}).`,
      ],
    }
  },
}
