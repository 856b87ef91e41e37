import { describe, expect, it } from 'vitest'
import { parseCommandLine, parseNics } from '../../../../src/hypervisor/qemu/command-line'
import { recorded } from '../recorded'

const nic = {
  mac: '52:54:00:00:00:01',
  id: undefined,
  device: 'virtio-net-pci',
  backend: 'tap',
  ifname: undefined,
  queues: 1,
  multiqueue: false,
  vhost: false,
  vectors: undefined,
}

describe('NICs of a QEMU command line', () => {
  it('in keys with values: queues of the backend, what the device offers', () => {
    expect(
      parseNics([
        '-netdev',
        'type=tap,id=net0,ifname=tap100i0,script=/x,vhost=on,queues=4',
        '-device',
        'virtio-net-pci,mac=52:54:00:00:00:01,netdev=net0,bus=pci.0,id=net0,vectors=10,mq=on',
      ]),
    ).toEqual([
      { ...nic, id: 'net0', ifname: 'tap100i0', queues: 4, multiqueue: true, vhost: true, vectors: 10 },
    ])
  })

  it('in JSON, with one descriptor for each queue', () => {
    expect(
      parseNics([
        '-netdev',
        '{"type":"tap","fds":"30:31:32","vhost":true,"vhostfds":"33:34:35","id":"hostnet0"}',
        '--device',
        '{"driver":"virtio-net-pci","mq":true,"vectors":8,"netdev":"hostnet0","mac":"52:54:00:00:00:01"}',
      ]),
    ).toEqual([{ ...nic, queues: 3, multiqueue: true, vhost: true, vectors: 8 }])
    expect(parseNics(['-device', '{damaged', '-device', '[]', '-device', '{"a":null}'])).toEqual([])
    expect(parseNics(['-device', 'null'])).toEqual([])
  })

  it('of the recorded guest: both virtio NICs, the emulated one, the one without a tap', () => {
    const nics = parseNics(recorded('cmdline').split('\0'))
    expect(
      nics.map(({ mac, device, queues, multiqueue }) => [mac?.slice(-2), device, queues, multiqueue]),
    ).toEqual([
      ['01', 'virtio-net-pci', 4, true],
      ['02', 'virtio-net-pci', 1, false],
      ['03', 'e1000e', 1, false],
      ['04', 'virtio-net-pci', 1, false],
    ])
  })

  it('without a backend, by -nic, and none', () => {
    expect(parseNics(['-device', '{"netdev":"n"}'])).toMatchObject([{ device: '', backend: undefined }])
    expect(parseNics(['-device', 'virtio-net-ccw'])).toEqual([
      { ...nic, mac: undefined, device: 'virtio-net-ccw', backend: undefined },
    ])
    expect(parseNics(['-nic', 'tap,model=virtio-net-pci,mac=52:54:00:00:00:01', '-nic', 'none'])).toEqual([
      nic,
    ])
    expect(parseNics(['-nic', 'user'])).toEqual([
      { ...nic, mac: undefined, device: 'e1000', backend: 'user' },
    ])
    expect(parseNics(['-netdev', 'tap,queues=4', '-device', 'virtio-blk-pci,drive=a', '-device'])).toEqual([])
    expect(parseNics(['-netdev', 'vhost-vdpa,id=v', '-device', 'virtio-net-pci,netdev=v,mq'])).toMatchObject([
      { vhost: true, multiqueue: true, queues: 1 },
    ])
    expect(
      parseNics(['-netdev', 'tap,id=a,,b,queues=99999999', '-device', 'virtio-net-pci,netdev=a,,b']),
    ).toMatchObject([{ backend: 'tap', queues: 1 }])
  })
})

describe('a QEMU command line', () => {
  it('tells name, vCPUs, machine, and whether KVM runs it', () => {
    expect(
      parseCommandLine([
        '/usr/bin/qemu-system-x86_64',
        '-name',
        'guest=a,,b,debug-threads=on',
        '-uuid',
        'u',
        '-machine',
        'pc-q35-7.2,accel=kvm',
        '-smp',
        '4,maxcpus=8,sockets=8',
      ]),
    ).toEqual({
      name: 'a,b',
      uuid: 'u',
      vcpus: { current: 4, maximum: 8 },
      kvm: true,
      machine: 'pc-q35-7.2',
      nics: [],
    })
  })

  it.each<[string, string[], { current: number; maximum: number }, boolean]>([
    ['nothing', [], { current: 1, maximum: 1 }, false],
    [
      'a program that means KVM',
      ['/usr/bin/kvm', '-smp', 'cores=2,threads=2'],
      { current: 4, maximum: 4 },
      true,
    ],
    ['-enable-kvm', ['qemu', '-enable-kvm', '-smp', 'maxcpus=4'], { current: 1, maximum: 4 }, true],
    ['--enable-kvm', ['qemu', '--enable-kvm'], { current: 1, maximum: 1 }, true],
    ['-accel kvm', ['qemu', '-accel', 'kvm', '-smp', 'cpus=3'], { current: 3, maximum: 3 }, true],
    ['-accel tcg', ['qemu', '-accel', 'tcg', '-smp', '0'], { current: 1, maximum: 1 }, false],
    ['-M with an older spelling', ['qemu', '-M', 'pc,accel=kvm:tcg'], { current: 1, maximum: 1 }, true],
  ])('of %s', (_name, args, vcpus, kvm) => {
    expect(parseCommandLine(args)).toMatchObject({ vcpus, kvm, name: undefined })
  })
})
