import { describe, expect, it } from 'vitest'
import { findNics } from '../../../src/kernel/nics'
import { openSystem } from '../../../src/system/system'
import { makeTree } from '../../support/tree'

const PCI = 'sys/devices/pci0000:00/0000:00:03.0'

/** A virtio-net NIC as sysfs shows it. */
function virtioNic(name: string, virtio = 'virtio2', subsystem = 'pci', driver = 'virtio_net', parent = PCI) {
  const net = `${parent}/${virtio}/net/${name}`
  return {
    [`${net}/ifindex`]: '3\n',
    [`${net}/address`]: '52:54:00:aa:bb:cc\n',
    [`${net}/device`]: `-> ../../../${virtio}`,
    [`${parent}/${virtio}/driver`]: `-> ../../../../bus/virtio/drivers/${driver}`,
    [`${parent}/subsystem`]: `-> ../../../bus/${subsystem}`,
    [`sys/class/net/${name}`]: `-> ../../${net.slice('sys/'.length)}`,
    [`sys/bus/virtio/drivers/virtio_net/${virtio}`]: `-> ../../../../${parent.slice('sys/'.length)}/${virtio}`,
  }
}

const virtual = (name: string, extra: Record<string, string>) => ({
  [`sys/devices/virtual/net/${name}/ifindex`]: '9\n',
  [`sys/class/net/${name}`]: `-> ../../devices/virtual/net/${name}`,
  ...Object.fromEntries(
    Object.entries(extra).map(([file, content]) => [`sys/devices/virtual/net/${name}/${file}`, content]),
  ),
})

const found = (entries: Record<string, string>) => {
  const { targets, ignored } = findNics(openSystem(makeTree(entries)))
  return {
    targets: targets.map((nic) => `${nic.name} ${nic.bus} ${nic.busAddress}`),
    ignored: ignored.map(({ name, kind }) => `${name} ${kind}`),
  }
}

describe('findNics', () => {
  it.each([
    ['pci', PCI, '0000:00:03.0'],
    ['platform', 'sys/devices/platform/LNRO0005:03', 'LNRO0005:03'],
    ['ccw', 'sys/devices/css0/0.0.0001/0.0.0001', '0.0.0001'],
  ])('finds a NIC on %s', (subsystem, parent, address) => {
    const bus = subsystem === 'platform' ? 'mmio' : subsystem
    expect(found(virtioNic('any-name', 'virtio2', subsystem, 'virtio_net', parent)).targets).toEqual([
      `any-name ${bus} ${address}`,
    ])
  })

  it('takes the standby of net_failover and explains its master, which sits on the same device', () => {
    const standby = virtioNic('ens3nsby')
    const master = virtioNic('ens3')
    expect(
      found({ ...standby, ...master, [`${PCI}/virtio2/net/ens3/lower_ens3nsby`]: '-> ../ens3nsby' }),
    ).toEqual({ targets: ['ens3nsby pci 0000:00:03.0'], ignored: ['ens3 failover-master'] })
  })

  it('explains bond, bridge, team and VLAN, and takes their lower device', () => {
    const lower = { lower_eth0: '-> ../../../pci0000:00/0000:00:03.0/virtio2/net/eth0' }
    expect(
      found({
        ...virtioNic('eth0'),
        [`${PCI}/virtio2/net/eth0/master`]: '-> ../../../../../virtual/net/team0',
        ...virtual('bond0', { ...lower, 'bonding/mode': 'active-backup 1\n' }),
        ...virtual('br0', { ...lower, 'bridge/bridge_id': '8000\n' }),
        ...virtual('team0', lower),
        ...virtual('eth0.5', lower),
        ...virtual('veth7', {}),
        'sys/class/net/bonding_masters': 'bond0\n',
      }),
    ).toEqual({
      targets: ['eth0 pci 0000:00:03.0'],
      ignored: ['bond0 bond-master', 'br0 bridge', 'eth0.5 stacked', 'team0 team-master'],
    })
  })

  it('explains other drivers, virtual functions and vDPA', () => {
    const vf = 'sys/devices/pci0000:00/0000:00:05.0/net/ens5'
    expect(
      found({
        [`${vf}/device`]: '-> ../..',
        'sys/devices/pci0000:00/0000:00:05.0/driver': '-> ../../../bus/pci/drivers/iavf',
        'sys/class/net/ens5': '-> ../../devices/pci0000:00/0000:00:05.0/net/ens5',
        ...virtioNic('vd0', 'virtio5', 'vdpa', 'virtio_net', 'sys/devices/pci0000:00/0000:00:06.0/vdpa0'),
        ...virtioNic('x0', 'virtio6', 'pci', 'other_net', 'sys/devices/pci0000:00/0000:00:07.0'),
      }),
    ).toEqual({ targets: [], ignored: ['ens5 other-driver', 'vd0 vdpa', 'x0 other-driver'] })
  })

  it('refuses names that ethtool would not take for this one NIC', () => {
    expect(found({ ...virtioNic('*'), 'sys/class/net/eth\ufffd': '-> ../../devices/x/net/y' })).toEqual({
      targets: [],
      ignored: ['* bad-name', 'eth\ufffd bad-name'],
    })
  })

  it('takes a NIC on a bus of a new kind, and one of which only the start can be read', () => {
    const { [`${PCI}/subsystem`]: _, ...busless } = virtioNic('eth0', 'virtio2')
    const bare = Object.entries(busless).filter(([path]) => !path.endsWith('/address'))
    const { targets } = findNics(openSystem(makeTree(Object.fromEntries(bare))))
    expect(targets).toMatchObject([{ name: 'eth0', bus: 'other', ifindex: 3, mac: '' }])
    expect(found(virtioNic('eth0', 'virtio2', 'newbus')).targets).toEqual(['eth0 other 0000:00:03.0'])
  })

  it('leaves out an interface that is gone when its index is read', () => {
    const gone = Object.entries(virtioNic('eth0')).filter(([path]) => !path.endsWith('/ifindex'))
    expect(found(Object.fromEntries(gone))).toEqual({ targets: [], ignored: [] })
  })

  it('says when there is no driver', () => {
    const { [`${PCI}/virtio2/driver`]: _, ...driverless } = virtioNic('x0')
    const plain = { 'sys/class/net/x1': '-> ../../devices/x/net/x1' }
    const { ignored } = findNics(openSystem(makeTree({ ...driverless, ...plain })))
    expect(ignored.map(({ name, why }) => `${name}: ${why}`)).toEqual([
      'x0: on the virtio bus, but its driver is none',
      'x1: driver unknown, not on the virtio bus',
    ])
  })

  it('explains devices without an interface here: other namespace, or no driver', () => {
    expect(
      found({
        [`${PCI}/virtio2/net/`]: '',
        'sys/bus/virtio/drivers/virtio_net/virtio2': `-> ../../../../${PCI.slice('sys/'.length)}/virtio2`,
        'sys/bus/virtio/drivers/virtio_net/bind': '',
        'sys/bus/virtio/devices/virtio4/device': '0x0001\n',
        'sys/bus/virtio/devices/virtio5/device': '0x0002\n',
      }),
    ).toEqual({ targets: [], ignored: ['virtio2 other-namespace', 'virtio4 unbound'] })
  })
})
