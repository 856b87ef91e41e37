/**
 * KubeVirt and what is made of it. OpenShift Virtualization's vendor is Red Hat, its product its name at the time:
 * Container-native virtualization, then OpenShift Virtualization (openshift-virtualization-tests, CNV-4346). The queues
 * are the vCPUs that the topology asks for, at most 256 (NetworkQueuesCapacity); an interface that is plugged in takes the
 * count of that moment, one that is there keeps its own (calcQueuesCapByIface).
 */
import { countedByVcpus, type Platform, type RemedyRequest } from './platform'

const MAX_QUEUES = 256
const SETTING = 'spec.template.spec.domain.devices.networkInterfaceMultiqueue: true'

function remedyOf(request: RemedyRequest, where: string) {
  return {
    reaches: Math.min(request.vcpus, MAX_QUEUES),
    steps: [
      {
        text: 'In the cluster, find the virtual machine of this NIC',
        lines: [`kubectl get vmi -A -o json | grep -i -B20 ${request.mac}`],
      },
      {
        text: `Set ${SETTING} in the VirtualMachine${where}`,
        lines: [
          `kubectl -n NAMESPACE patch vm VM --type merge -p '{"spec":{"template":{"spec":{"domain":{"devices":{"networkInterfaceMultiqueue":true}}}}}}'`,
        ],
      },
      { text: 'Restart the virtual machine', lines: ['virtctl -n NAMESPACE restart VM'] },
    ],
    powerOff: true,
    powerOffHow: 'A restart with virtctl creates a new pod; a reboot inside the guest keeps the old one.',
    notes: [
      `KubeVirt gives each virtio interface as many queues as the virtual machine has vCPUs when it starts ${countedByVcpus(request)}.`,
      'vCPUs plugged in later add no queues to the interfaces that are there until the next restart; with the setting on, an interface that is plugged in after them has the new count.',
    ],
  }
}

export const HARVESTER: Platform = {
  id: 'harvester',
  title: 'Harvester',
  recognisedBy: 'Harvester in vendor, product or family',
  source: 'DMI: the SMBIOS configuration of its KubeVirt; the remedy is that of KubeVirt',
  tried: undefined,
  matches: ({ vendor, product, family }) => /\bharvester/i.test(`${vendor} ${product} ${family}`),
  remedy: (request) => remedyOf(request, ' (Virtual Machines, Edit YAML)'),
}

export const KUBEVIRT: Platform = {
  id: 'kubevirt',
  title: 'KubeVirt or OpenShift Virtualization',
  recognisedBy:
    'vendor, product or family KubeVirt, or vendor Red Hat and product OpenShift or Container-native Virtualization',
  source: 'KubeVirt, virt-config.go (SMBIOS), virtio-queues.go and netpod.go',
  tried: undefined,
  matches: ({ vendor, product, family }) =>
    vendor === 'KubeVirt' ||
    product === 'KubeVirt' ||
    family === 'KubeVirt' ||
    (vendor === 'Red Hat' && /^(Container-native|OpenShift) virtualization$/i.test(product)),
  remedy: (request) => remedyOf(request, ''),
}
