/**
 * KubeVirt and OpenShift Virtualization, whose vendor is Red Hat and whose product is its name at the time:
 * Container-native virtualization, then OpenShift Virtualization (openshift-virtualization-tests, CNV-4346). The queues
 * are the vCPUs that the topology asks for, at most 256 (NetworkQueuesCapacity), and vCPUs plugged in with multi-queue
 * ask for a restart.
 */
import type { Platform } from './platform'

export const KUBEVIRT: Platform = {
  id: 'kubevirt',
  title: 'KubeVirt',
  matches: ({ vendor, product }) =>
    vendor === 'KubeVirt' ||
    product === 'KubeVirt' ||
    (vendor === 'Red Hat' && /^(Container-native|OpenShift) virtualization$/i.test(product)),
  remedy: ({ mac, target, vcpus }) => ({
    reaches: vcpus,
    steps: [
      {
        text: 'In the cluster, find the virtual machine of this NIC',
        lines: [`kubectl get vmi -A -o json | grep -i -B20 ${mac}`],
      },
      {
        text: 'Set spec.template.spec.domain.devices.networkInterfaceMultiqueue: true in the VirtualMachine',
        lines: [
          `kubectl -n NAMESPACE patch vm VM --type merge -p '{"spec":{"template":{"spec":{"domain":{"devices":{"networkInterfaceMultiqueue":true}}}}}}'`,
        ],
      },
      { text: 'Restart the virtual machine', lines: ['virtctl -n NAMESPACE restart VM'] },
    ],
    powerOff: true,
    powerOffHow: 'A restart with virtctl creates a new pod; a reboot inside the guest keeps the old one.',
    notes: [
      `KubeVirt gives each virtio interface as many queues as the virtual machine has vCPUs when it starts (${vcpus} now${target === vcpus ? '' : `, for ${target} wanted`}).`,
      'vCPUs plugged in later do not add queues until the next restart.',
    ],
  }),
}
