import { describe, expect, it } from 'vitest'
import { pendingNics } from '../../../src/kernel/pending-nics'
import { openSystem } from '../../../src/system/system'
import { makeTree } from '../../support/tree'

const host = (entries: Record<string, string>) => openSystem(makeTree(entries))
const bound = (ifindex: string) => ({
  'sys/bus/virtio/devices/virtio2/device': '0x0001\n',
  'sys/bus/virtio/devices/virtio2/driver': '-> ../../../../bus/virtio/drivers/virtio_net',
  'sys/bus/virtio/devices/virtio2/net/eth0/ifindex': `${ifindex}\n`,
})

describe('pendingNics', () => {
  it('is nothing when udev has handled every interface', () => {
    expect(pendingNics(host({ ...bound('3'), 'run/udev/data/n3': '' }))).toEqual([])
  })

  it('names an interface that udev may still rename', () => {
    expect(pendingNics(host(bound('3'))).map((nic) => nic.name)).toEqual(['eth0'])
    const { 'sys/bus/virtio/devices/virtio2/net/eth0/ifindex': _, ...vanishing } = bound('3')
    const leftover = { ...vanishing, 'sys/bus/virtio/devices/virtio2/net/eth0/address': '' }
    expect(pendingNics(host(leftover)).map((nic) => nic.name)).toEqual(['eth0'])
  })

  it('names PCI functions and virtio devices without a driver, but not those of vfio-pci or other types', () => {
    const pci = (address: string, device: string, driver?: string, vendor = '0x1af4') => ({
      [`sys/bus/pci/devices/${address}/vendor`]: `${vendor}\n`,
      [`sys/bus/pci/devices/${address}/device`]: `${device}\n`,
      ...(driver === undefined
        ? {}
        : { [`sys/bus/pci/devices/${address}/driver`]: `-> ../../drivers/${driver}` }),
    })
    const pending = pendingNics(
      host({
        ...pci('0000:00:03.0', '0x1000'),
        ...pci('0000:00:04.0', '0x1041', 'vfio-pci'),
        ...pci('0000:00:05.0', '0x1042'),
        ...pci('0000:00:06.0', '0x1041', 'virtio-pci'),
        ...pci('0000:00:07.0', '0x1041', 'virtio-pci'),
        'sys/bus/pci/devices/0000:00:07.0/virtio3/device': '0x0001\n',
        ...pci('0000:00:08.0', '0x1000', undefined, '0x8086'),
        'sys/bus/pci/devices/0000:00:09.0/vendor': '0x1af4\n',
        'sys/bus/virtio/devices/virtio7/device': '0x0001\n',
        'sys/bus/virtio/devices/virtio8/device': '0x0002\n',
        'sys/bus/virtio/devices/virtio9/device': '0x0001\n',
        'sys/bus/virtio/devices/virtio9/driver': '-> ../../../../bus/virtio/drivers/virtio_dpdk',
        'sys/bus/virtio/devices/virtio10/power/control': 'auto\n',
      }),
    )
    expect(pending.map((nic) => nic.name)).toEqual(['0000:00:03.0', '0000:00:06.0', 'virtio7'])
  })
})
