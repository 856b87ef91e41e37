/** How many file descriptors a QEMU process needs, and the max_files that suffices. */
import { type Domain, totalQueues } from '../libvirt/domain'

/** Measured: monitor, log, event loop, signal and display descriptors of an otherwise empty QEMU. */
const BASE_FDS = 16
/** Per queue pair with vhost: tap, vhost-net, and event descriptors for notify, interrupt and error of rx and tx. */
const FDS_PER_QUEUE = 10
const FDS_PER_DISK = 1

/** The RHEL guide's value for multi-queue guests; vqtune never goes below. */
export const MIN_MAX_FILES = 2048

/** Upper estimate for a guest with the given configuration, all queues in use. */
export function estimateFds(domain: Domain): number {
  return BASE_FDS + domain.vcpus.maximum + FDS_PER_QUEUE * totalQueues(domain) + FDS_PER_DISK * domain.disks
}

/** The next power of two above the largest estimate, at least 2048. */
export function suggestMaxFiles(estimates: readonly number[]): number {
  let suggested = MIN_MAX_FILES
  while (suggested <= Math.max(0, ...estimates)) suggested *= 2
  return suggested
}
