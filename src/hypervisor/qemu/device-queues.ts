/** Queues that disks and controllers have, asked for or by QEMU's own choice. Pure. */
import type { Disk } from '../libvirt/devices'
import type { Domain } from '../libvirt/domain'

/** Since QEMU 5.2 a virtio disk or SCSI controller on PCI has one queue for each vCPU that the guest starts with. */
const FIRST_AUTOMATIC = [5, 2] as const
/** RHEL's machine types are named for RHEL: the first that comes from QEMU 5.2. */
const FIRST_AUTOMATIC_RHEL = [8, 4] as const

/** Queues of a disk of its own; 0 for one that hangs on a controller. */
export function diskQueues(disk: Disk, domain: Pick<Domain, 'machine' | 'vcpus'>): number {
  return disk.virtio ? (disk.queues ?? automaticQueues(domain)) : 0
}

/** Request queues of each virtio-scsi controller. */
export function scsiQueues(domain: Domain): readonly number[] {
  return domain.devices.scsiControllers.map((queues) => queues ?? automaticQueues(domain))
}

/** What QEMU takes where nothing is asked for; the upper bound where the machine type does not tell its version. */
export function automaticQueues({ machine, vcpus }: Pick<Domain, 'machine' | 'vcpus'>): number {
  const rhel = /-rhel(\d+)\.(\d+)(?:\.\d+)?$/.exec(machine)
  if (rhel !== null) return atLeast(rhel, FIRST_AUTOMATIC_RHEL) ? vcpus.current : 1
  const upstream = /-(\d+)\.(\d+)(?:\+pve\d+)?$/.exec(machine)
  return upstream === null || atLeast(upstream, FIRST_AUTOMATIC) ? vcpus.current : 1
}

function atLeast([, major, minor]: RegExpExecArray, [least, leastMinor]: readonly [number, number]): boolean {
  return Number(major) > least || (Number(major) === least && Number(minor) >= leastMinor)
}
