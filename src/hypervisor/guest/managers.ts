/**
 * Programs that write their guests' XML anew at each start: what is changed there behind their back is lost, so the remedy
 * is their own setting. A new one is an entry here and its mark in libvirt/metadata.ts.
 */

export const MANAGER_IDS = [
  'openstack',
  'ovirt',
  'kubevirt',
  'harvester',
  'opennebula',
  'cloudstack',
] as const
export type ManagerId = (typeof MANAGER_IDS)[number]

export interface Manager {
  readonly title: string
  /** How a NIC gets so many queue pairs. One or more lines. */
  readonly setting: (queues: number) => string
  /** How the guest is powered off and on, so that the manager writes its XML anew. */
  readonly restart: string
}

const KUBEVIRT_SETTING =
  'spec.template.spec.domain.devices.networkInterfaceMultiqueue: true (as many queues as vCPUs, for each virtio interface; one that is plugged in later has the count of then)'

export const MANAGERS: Readonly<Record<ManagerId, Manager>> = {
  openstack: {
    title: 'OpenStack (nova)',
    setting: () =>
      [
        'in OpenStack (as many queues as the flavor has vCPUs; max_queues in [libvirt] of nova.conf limits them):',
        '  openstack flavor set --property hw:vif_multiqueue_enabled=true FLAVOR',
        '  openstack image set --property hw_vif_multiqueue_enabled=true IMAGE',
        '  then resize the server to a flavor that has it, or create it anew: a server keeps the properties it was created with',
      ].join('\n'),
    restart: 'openstack server stop SERVER; openstack server start SERVER',
  },
  ovirt: {
    title: 'oVirt or Red Hat Virtualization',
    setting: (queues) =>
      [
        'in the Administration Portal: Edit Virtual Machine, Resource Allocation, Multi Queues enabled',
        `  or, for a number: custom property queues = ${queues} in the vNIC profile (engine-config CustomDeviceProperties allows it)`,
      ].join('\n'),
    restart: 'shut it down and run it again in the Administration Portal',
  },
  kubevirt: {
    title: 'KubeVirt or OpenShift Virtualization',
    setting: () => `in the VirtualMachine: ${KUBEVIRT_SETTING}`,
    restart: 'virtctl restart VM',
  },
  harvester: {
    title: 'Harvester',
    setting: () => `in Harvester: Virtual Machines, Edit YAML: ${KUBEVIRT_SETTING}`,
    restart: 'restart it in Harvester',
  },
  opennebula: {
    title: 'OpenNebula',
    setting: (queues) =>
      [
        `in OpenNebula: VIRTIO_QUEUES = "${queues}" in the NIC = [ ... ] of the template; for a virtual machine that is there:`,
        `  onevm nic-detach VM NIC_ID; onevm nic-attach VM --file FILE   # FILE: NIC = [ NETWORK_ID = ..., MODEL = "virtio", VIRTIO_QUEUES = "${queues}" ]`,
      ].join('\n'),
    restart: 'onevm poweroff VM; onevm resume VM',
  },
  cloudstack: {
    title: 'CloudStack',
    setting: (queues) =>
      [
        `in CloudStack (4.18 and newer), with the instance stopped: its setting nic.multiqueue.number = ${queues} (-1: as many as vCPUs)`,
        `  cmk update virtualmachine id=ID details[0].nic.multiqueue.number=${queues}   # replaces all details: name the others, too`,
      ].join('\n'),
    restart: 'stop the instance and start it in CloudStack',
  },
}
