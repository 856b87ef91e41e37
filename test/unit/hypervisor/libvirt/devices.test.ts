import { expect, it } from 'vitest'
import { parseDevices } from '../../../../src/hypervisor/libvirt/devices'
import { child, parseXml } from '../../../../src/hypervisor/libvirt/xml'

const devices = (inner: string) =>
  parseDevices(child(parseXml(`<domain><devices>${inner}</devices></domain>`, 'x'), 'domain'))

it('a guest without devices has none', () => {
  const none = { disks: [], scsiControllers: [], filesystems: [], vsock: false, passedThrough: 0, vdpa: 0 }
  expect(devices('')).toEqual(none)
  expect(parseDevices({})).toEqual(none)
})

it('a disk is virtio by its bus; queues are what its driver asks for', () => {
  const target = "<target dev='vda' bus='virtio'/>"
  expect(
    devices(
      `<disk type='file'>${target}</disk><disk type='block'><driver name='qemu' queues='4'/>${target}</disk>` +
        "<disk type='file'><driver queues='0'/><target dev='sda' bus='scsi'/></disk><disk/>",
    ).disks,
  ).toEqual([
    { virtio: true, queues: undefined, protocol: undefined },
    { virtio: true, queues: 4, protocol: undefined },
    { virtio: false, queues: undefined, protocol: undefined },
    { virtio: false, queues: undefined, protocol: undefined },
  ])
})

it('a disk over the network has the protocol of its source', () => {
  const protocols = devices(
    "<disk type='network'><source protocol='rbd' name='pool/image'/></disk><disk type='network'/>" +
      "<disk type='vhostuser'><source type='unix' path='/s'/></disk><disk type='file'><source protocol='rbd'/></disk>",
  ).disks.map(({ protocol }) => protocol)
  expect(protocols).toEqual(['rbd', 'network', 'vhostuser', undefined])
})

it('SCSI controllers count where they are virtio, filesystems where they are virtiofs', () => {
  const { scsiControllers, filesystems } = devices(
    "<controller type='scsi' model='virtio-scsi'><driver queues='8'/></controller>" +
      "<controller type='scsi' model='virtio-non-transitional'/><controller type='scsi' model='lsilogic'/>" +
      "<controller type='scsi'/><controller type='pci' model='virtio-x'/>" +
      "<filesystem><driver type='virtiofs' queue='2'/></filesystem><filesystem><driver type='virtiofs'/></filesystem>" +
      "<filesystem type='mount'><driver type='path'/></filesystem><filesystem/>",
  )
  expect(scsiControllers).toEqual([8, undefined])
  expect(filesystems).toEqual([2, 1])
})

it('passed through are PCI and mediated devices, and interfaces of type hostdev; vDPA is told apart', () => {
  expect(
    devices(
      "<hostdev type='pci'/><hostdev type='mdev'/><hostdev type='usb'/><hostdev type='scsi'/><hostdev/>" +
        "<interface type='hostdev'/><interface type='bridge'/><interface type='vdpa'/><interface type='vdpa'/>",
    ),
  ).toMatchObject({ passedThrough: 3, vdpa: 2 })
})

it('a vsock is one, whatever it says', () => {
  expect(devices('<vsock/>').vsock).toBe(true)
  expect(devices("<vsock model='virtio'><cid auto='yes'/></vsock>").vsock).toBe(true)
})
