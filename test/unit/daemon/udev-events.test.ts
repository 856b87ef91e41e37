import { describe, expect, it } from 'vitest'
import { concernsUs, parseKernelEvent } from '../../../src/daemon/udev-events'

/** Printed by udevadm 252 in a guest with kernel 6.12: `ethtool -L enp0s8 combined 2` on a NIC with four channels. */
const RECORDED = `monitor will print the received events for:
KERNEL - the kernel uevent

KERNEL[88.258383] remove   /devices/pci0000:00/0000:00:08.0/virtio3/net/enp0s8/queues/tx-3 (queues)
KERNEL[88.323077] remove   /devices/pci0000:00/0000:00:08.0/virtio3/net/enp0s8/queues/tx-2 (queues)
KERNEL[88.323389] remove   /devices/pci0000:00/0000:00:08.0/virtio3/net/enp0s8/queues/rx-3 (queues)
KERNEL[88.323456] remove   /devices/pci0000:00/0000:00:08.0/virtio3/net/enp0s8/queues/rx-2 (queues)
`

describe('parseKernelEvent', () => {
  it('reads what a guest printed, and nothing in its heading', () => {
    const events = RECORDED.split('\n').map(parseKernelEvent)
    expect(events.filter((event) => event !== undefined)).toHaveLength(4)
    expect(events[3]).toEqual({
      action: 'remove',
      device: '/devices/pci0000:00/0000:00:08.0/virtio3/net/enp0s8/queues/tx-3',
      subsystem: 'queues',
    })
    expect(events.every((event) => event === undefined || concernsUs(event))).toBe(true)
  })
})

describe('concernsUs', () => {
  it.each([
    ['online', '/devices/system/cpu/cpu3', 'cpu', true],
    ['offline', '/devices/system/cpu/cpu3', 'cpu', true],
    // Hot-added: still offline.
    ['add', '/devices/system/cpu/cpu4', 'cpu', false],
    ['add', '/devices/virtual/net/veth12ab/queues/rx-0', 'queues', false],
    ['move', '/devices/pci0000:00/0000:00:08.0/virtio3/net/lan0', 'net', true],
  ])('%s %s', (action, device, subsystem, expected) => {
    expect(concernsUs({ action, device, subsystem })).toBe(expected)
  })
})
