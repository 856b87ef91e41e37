import { describe, expect, it } from 'vitest'
import { type Domain, parseDomain } from '../../../../src/hypervisor/libvirt/domain'
import { interruptRoutes, lockedKib, newDiskRoutes } from '../../../../src/hypervisor/qemu/guest-limits'
import { parseLockedKib } from '../../../../src/hypervisor/qemu/process'
import { disk, guest, nic } from './guest-with'

describe('interrupt routes', () => {
  it('are those of all virtio devices: 2 N + 1 for a NIC, queues and a few more for the rest', () => {
    const routes = (domain: Domain) => interruptRoutes(domain).routes
    expect(routes(guest(nic(4)))).toBe(9)
    expect(routes(guest(disk()))).toBe(9)
    expect(routes(guest(disk("<driver queues='2'/>")))).toBe(3)
    expect(routes(guest("<disk><target dev='sda' bus='scsi'/></disk>"))).toBe(0)
    expect(routes(guest("<controller type='scsi' model='virtio-scsi'/>"))).toBe(11)
    expect(
      routes(guest("<controller type='scsi' model='virtio-scsi'><driver queues='4'/></controller>")),
    ).toBe(7)
    expect(routes(guest("<controller type='scsi' model='lsilogic'/><controller type='usb'/>"))).toBe(0)
    expect(routes(guest("<filesystem><driver type='virtiofs' queue='1'/></filesystem><filesystem/>"))).toBe(3)
    expect(routes(guest("<filesystem><driver type='virtiofs'/></filesystem>"))).toBe(3)
    expect(routes(guest("<vsock model='virtio'/>"))).toBe(4)
    expect(routes(guest(`${nic(4)}${disk()}`, 'pc-q35-4.2'))).toBe(9 + 2)
  })

  it('of passed-through devices are not known, and of qemu:commandline those that it shows', () => {
    expect(
      interruptRoutes(
        guest(
          "<hostdev type='pci'/><hostdev type='usb'/><interface type='hostdev'><mac address='a'/></interface>",
        ),
      ),
    ).toEqual({ routes: 0, largest: 0, unknown: 2 })
    const extra = (mq: string) =>
      parseDomain(
        `<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>g</name><uuid>u</uuid><devices/><qemu:commandline><qemu:arg value='-netdev'/><qemu:arg value='tap,id=n,queues=4'/><qemu:arg value='-device'/><qemu:arg value='virtio-net-pci,netdev=n${mq}'/><qemu:arg/><qemu:env name='A' value='b'/></qemu:commandline></domain>`,
        'g',
      )
    expect([extra(',mq=on'), extra('')].map((domain) => interruptRoutes(domain).routes)).toEqual([9, 3])
    expect(newDiskRoutes(guest(''))).toBe(9)
  })
})

describe('locked memory', () => {
  it('is the guest’s and one GiB, once for VFIO and once for each vDPA device', () => {
    const gib = 1024 * 1024
    expect(lockedKib(guest(nic(4)))).toBeUndefined()
    expect(lockedKib(guest("<hostdev type='pci'/><hostdev type='mdev'/>"))).toBe(5 * gib)
    const vdpa = nic(2).replace('bridge', 'vdpa')
    expect(lockedKib(guest(vdpa + vdpa))).toBe(9 * gib)
    expect(lockedKib({ ...guest("<hostdev type='pci'/>"), memoryKib: undefined })).toBeUndefined()
  })

  it('reads sizes with and without units, and what the process may lock', () => {
    const limit = (text: string) => guest('', 'q35', `<memtune>${text}</memtune>`).hardLimitKib
    expect(limit("<hard_limit unit='G'>2</hard_limit>")).toBe(2 * 1024 * 1024)
    expect(limit('<hard_limit>2048</hard_limit>')).toBe(2048)
    expect(limit("<hard_limit unit='furlong'>1</hard_limit>")).toBeUndefined()
    expect(limit('')).toBeUndefined()
    expect(
      parseLockedKib('Max locked memory         unlimited            unlimited            bytes\n'),
    ).toBe(Number.POSITIVE_INFINITY)
    expect(parseLockedKib('Max locked memory         65537 65537 bytes\n')).toBe(64)
    expect(parseLockedKib('')).toBeUndefined()
  })
})
