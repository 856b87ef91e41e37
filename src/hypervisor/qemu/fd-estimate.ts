/** How many file descriptors a QEMU process needs, and the max_files that suffices. */
import { type Domain, totalQueues } from '../libvirt/domain'
import { diskQueues, scsiQueues } from './device-queues'

/** Measured: monitor, log, event loop, signal and display descriptors of an otherwise empty QEMU. */
const BASE_FDS = 16
/** Per queue pair with vhost: tap, vhost-net, and event descriptors for notify, interrupt and error of rx and tx. */
export const FDS_PER_QUEUE = 10
/** The image itself. */
const FDS_PER_DISK = 1
/** Notify and interrupt of each queue of a disk or controller. */
const FDS_PER_DISK_QUEUE = 2
/** Socket, notify and interrupt of the queues of a virtiofs. */
const FDS_PER_FILESYSTEM_QUEUE = 4
/** VFIO: container, group, device, and one for each interrupt; of those only a guess is possible. */
const FDS_PER_PASSED_THROUGH = 24

/** The RHEL guide's value for multi-queue guests; vqtune never goes below. */
export const MIN_MAX_FILES = 2048

/** Upper estimate for a guest with the given configuration, all queues in use; what unknownFiles() names is left out. */
export function estimateFds(domain: Domain): number {
  const { disks, filesystems, passedThrough, vdpa } = domain.devices
  const blockQueues =
    disks.reduce((sum, disk) => sum + diskQueues(disk, domain), 0) +
    scsiQueues(domain).reduce((sum, queues) => sum + queues, 0)
  return (
    BASE_FDS +
    domain.vcpus.maximum +
    FDS_PER_QUEUE * (totalQueues(domain) + domain.commandLineNics.reduce((sum, nic) => sum + nic.queues, 0)) +
    FDS_PER_DISK * disks.length +
    FDS_PER_DISK_QUEUE * blockQueues +
    FDS_PER_FILESYSTEM_QUEUE * filesystems.reduce((sum, queues) => sum + queues + 1, 0) +
    FDS_PER_PASSED_THROUGH * passedThrough +
    vdpa
  )
}

/** What opens files in a number that the XML does not tell, in words for people. */
export function unknownFiles(domain: Domain): readonly string[] {
  const protocols = domain.devices.disks.flatMap(({ protocol }) => protocol ?? [])
  const vhostUser =
    protocols.includes('vhostuser') || domain.interfaces.some((nic) => nic.type === 'vhostuser')
  const network = [...new Set(protocols.filter((protocol) => protocol !== 'vhostuser'))].sort()
  return [
    ...(vhostUser ? ['vhost-user sockets and their memory'] : []),
    ...network.map((protocol) => `${protocol} disks (sockets to the storage)`),
  ]
}

/** The next power of two above the largest number, at least 2048. */
export function suggestMaxFiles(needs: readonly number[]): number {
  let suggested = MIN_MAX_FILES
  while (suggested <= Math.max(0, ...needs)) suggested *= 2
  return suggested
}
