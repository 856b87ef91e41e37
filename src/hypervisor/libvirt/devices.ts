/** A guest's devices beside its NICs, as far as they take interrupts, file descriptors or locked memory. Pure. */
import { attribute, child, list, type Node, positive } from './xml'

export interface Devices {
  readonly disks: readonly Disk[]
  /** Queues of each virtio-scsi controller; undefined: QEMU chooses. */
  readonly scsiControllers: readonly (number | undefined)[]
  /** Request queues of each virtiofs. */
  readonly filesystems: readonly number[]
  readonly vsock: boolean
  /** PCI devices of the host passed through by VFIO, hostdev interfaces included. */
  readonly passedThrough: number
  /** vDPA devices, whose memory is locked as well. */
  readonly vdpa: number
}

export interface Disk {
  readonly virtio: boolean
  /** undefined: QEMU chooses. */
  readonly queues: number | undefined
  /** 'rbd', 'iscsi', 'nbd' ...; 'vhostuser'; undefined: a file or block device. */
  readonly protocol: string | undefined
}

export const NO_DEVICES: Devices = {
  disks: [],
  scsiControllers: [],
  filesystems: [],
  vsock: false,
  passedThrough: 0,
  vdpa: 0,
}

/** @param domain the element <domain> */
export function parseDevices(domain: Node): Devices {
  const devices = child(domain, 'devices')
  const interfaces = list(devices.interface)
  const hostdevs = list(devices.hostdev).filter((node) =>
    ['pci', 'mdev'].includes(attribute(node, 'type') ?? ''),
  )
  return {
    disks: list(devices.disk).map(parseDisk),
    scsiControllers: list(devices.controller)
      .filter((node) => attribute(node, 'type') === 'scsi' && isVirtioScsi(attribute(node, 'model')))
      .map((node) => positive(attribute(child(node, 'driver'), 'queues'))),
    filesystems: list(devices.filesystem)
      .filter((node) => attribute(child(node, 'driver'), 'type') === 'virtiofs')
      .map((node) => positive(attribute(child(node, 'driver'), 'queue')) ?? 1),
    vsock: devices.vsock !== undefined,
    passedThrough:
      hostdevs.length + interfaces.filter((node) => attribute(node, 'type') === 'hostdev').length,
    vdpa: interfaces.filter((node) => attribute(node, 'type') === 'vdpa').length,
  }
}

/** Without a model it is the emulated LSI controller on x86. */
function isVirtioScsi(model: string | undefined): boolean {
  return model?.startsWith('virtio') === true
}

function parseDisk(node: Node): Disk {
  const type = attribute(node, 'type')
  return {
    virtio: attribute(child(node, 'target'), 'bus') === 'virtio',
    queues: positive(attribute(child(node, 'driver'), 'queues')),
    protocol:
      type === 'vhostuser'
        ? 'vhostuser'
        : type === 'network'
          ? (attribute(child(node, 'source'), 'protocol') ?? 'network')
          : undefined,
  }
}
