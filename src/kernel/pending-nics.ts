/** virtio-net NICs that are not ready: the kernel has the device, but no driver is bound or udev has not processed it. */
import type { System } from '../system/system'
import { basename, VIRTIO_ID_NET } from './nics'

const VIRTIO_VENDOR = '0x1af4'
/** Transitional and modern virtio-net; see the virtio specification, 5.1.2 and 4.1.2. */
const VIRTIO_NET_PCI_DEVICES = new Set(['0x1000', '0x1041'])

/** A device that is or may become a virtio-net interface but is not ready. */
export interface PendingNic {
  /** PCI address, virtio device or interface name. */
  readonly name: string
  readonly why: string
}

/**
 * Devices that have no interface yet, and interfaces that udev has not processed yet (it may still rename them).
 * A device bound to another driver, such as vfio-pci, is not pending.
 */
export function pendingNics(system: System): readonly PendingNic[] {
  return [...pendingPci(system), ...pendingVirtio(system)]
}

function pendingPci(system: System): PendingNic[] {
  const { sysPciDevices } = system.paths
  return system
    .list(sysPciDevices)
    .filter((address) => {
      const device = `${sysPciDevices}/${address}`
      if (system.readText(`${device}/vendor`)?.trim() !== VIRTIO_VENDOR) return false
      if (!VIRTIO_NET_PCI_DEVICES.has(system.readText(`${device}/device`)?.trim() ?? '')) return false
      const driver = basename(system.readLink(`${device}/driver`))
      if (driver !== undefined && driver !== 'virtio-pci') return false
      return !system.list(device).some((entry) => /^virtio\d+$/.test(entry))
    })
    .map((name) => ({ name, why: 'no driver is bound to the device yet' }))
}

function pendingVirtio(system: System): PendingNic[] {
  const { sysVirtioDevices, udevData } = system.paths
  return system.list(sysVirtioDevices).flatMap((virtio): PendingNic[] => {
    const device = `${sysVirtioDevices}/${virtio}`
    if (system.readText(`${device}/device`)?.trim() !== VIRTIO_ID_NET) return []
    const driver = basename(system.readLink(`${device}/driver`))
    if (driver !== undefined && driver !== 'virtio_net') return []
    // Bound but without an interface here: it is in another network namespace, nothing to wait for.
    if (driver === undefined) return [{ name: virtio, why: 'virtio_net is not bound to the device yet' }]
    return system
      .list(`${device}/net`)
      .filter(
        (name) => !system.exists(`${udevData}/n${system.readText(`${device}/net/${name}/ifindex`)?.trim()}`),
      )
      .map((name) => ({ name, why: 'udev has not processed the interface yet' }))
  })
}

/** Whether udev has processed the interface. True where there is no udev at all, as in most containers. */
export function isNamedByUdev(system: System, ifindex: number): boolean {
  const { udevData } = system.paths
  return !system.exists(udevData) || system.exists(`${udevData}/n${ifindex}`)
}
