/** The sandbox of Kata Containers, whatever the VMM: its DMI strings are the VMM's, its command line is Kata's. */
import { countedByVcpus, type Platform } from './platform'

export const KATA: Platform = {
  id: 'kata',
  title: 'Kata Containers',
  recognisedBy: 'kata-containers.target on the kernel command line',
  source: 'Kata Containers, qemu.go (queues are NumVCPUs) and the network_queues of runtime-rs',
  tried: undefined,
  matches: ({ commandLine }) => commandLine.includes('kata-containers.target'),
  remedy: (request) => ({
    reaches: request.target,
    steps: [
      {
        text: `On the node, set the vCPUs of new sandboxes: the runtime in Go gives the NIC (${request.mac}) as many queues; the one in Rust has its own setting`,
        lines: [
          `default_vcpus = ${request.vcpus}    # [hypervisor.qemu] in configuration.toml (runtime in Go, QEMU)`,
          `network_queues = ${request.target}    # the hypervisor's section of configuration.toml (runtime-rs)`,
        ],
      },
      { text: 'Delete the pod and create it again', lines: [] },
    ],
    powerOff: true,
    powerOffHow: 'Only a new sandbox has other queues.',
    notes: [
      `The runtime in Go counts the vCPUs at the start ${countedByVcpus(request)}; those plugged in for the containers do not add queues.`,
      'With Firecracker there is one queue pair, whatever is set.',
    ],
  }),
}
