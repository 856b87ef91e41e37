/** Limits of a guest as a whole beside its file descriptors: KVM's interrupt routes, and locked memory. Pure. */
import { type Domain, isVirtio, offeredQueues } from '../libvirt/domain'
import { automaticQueues, diskQueues, scsiQueues } from './device-queues'

/** KVM_MAX_IRQ_ROUTES; a guest whose drivers ask for more ends with an assertion of QEMU. */
export const MAX_ROUTES = 4096
/** Interrupt controllers of a PC: 15 lines of the PICs and 24 of the I/O APIC. */
export const PLATFORM_ROUTES = 40
/** libvirt lets QEMU lock the guest's memory and this much more for device memory. */
const EXTRA_LOCKED_KIB = 1024 * 1024

export interface RouteUse {
  /** Routes when the drivers use every vector of the virtio devices. */
  readonly routes: number
  /** Those of the virtio device that takes most. */
  readonly largest: number
  /** Devices whose routes the XML does not tell: passed through. */
  readonly unknown: number
}

/** One vector for each rx and each tx queue, and one for changes of configuration. */
export function nicRoutes(queues: number): number {
  return 2 * queues + 1
}

export function interruptRoutes(domain: Domain): RouteUse {
  const { disks, filesystems, vsock, passedThrough } = domain.devices
  const devices = [
    ...domain.interfaces.filter(isVirtio).map((nic) => nicRoutes(offeredQueues(nic))),
    ...domain.commandLineNics.map((nic) => nicRoutes(nic.multiqueue ? nic.queues : 1)),
    ...disks.filter(({ virtio }) => virtio).map((disk) => diskQueues(disk, domain) + 1),
    // Control, event and configuration beside the requests.
    ...scsiQueues(domain).map((queues) => queues + 3),
    ...filesystems.map((queues) => queues + 2),
    ...(vsock ? [4] : []),
  ]
  return {
    routes: devices.reduce((sum, routes) => sum + routes, 0),
    largest: Math.max(0, ...devices),
    unknown: passedThrough,
  }
}

/** Routes of a disk that is plugged in without a word about its queues. */
export function newDiskRoutes(domain: Domain): number {
  return automaticQueues(domain) + 1
}

/** KiB that QEMU must be allowed to lock, undefined where nothing locks the guest's memory. */
export function lockedKib(domain: Domain): number | undefined {
  const { passedThrough, vdpa } = domain.devices
  if (passedThrough + vdpa === 0 || domain.memoryKib === undefined) return undefined
  // Each vDPA device pins the memory for itself.
  return domain.memoryKib * Math.max(1, vdpa) + EXTRA_LOCKED_KIB
}
