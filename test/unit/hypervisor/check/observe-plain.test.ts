import { describe, expect, it } from 'vitest'
import type { ObservedDomain } from '../../../../src/hypervisor/check/observe'
import { fromCommandLine, observePlain, otherStacks } from '../../../../src/hypervisor/check/observe-plain'
import { processFiles, systemWith } from '../../../support/systems'

const UUID = '8b1c5c5e-0000-4000-8000-000000000001'
const ARGS = [
  ...[
    '/usr/bin/qemu-system-x86_64',
    '-name',
    'web',
    '-uuid',
    UUID,
    '-machine',
    'q35,accel=kvm',
    '-smp',
    '2,maxcpus=4',
  ],
  ...['-netdev', 'tap,id=n0,ifname=tap0,vhost=on,queues=2'],
  ...['-device', 'virtio-net-pci,netdev=n0,id=nic0,mac=52:54:00:AA:00:01,mq=on,vectors=6'],
]
const host = (...lines: readonly (readonly string[])[]) =>
  systemWith(
    Object.assign(
      { '/proc/1/cmdline': '/sbin/init\0' },
      ...lines.map((args, i) => processFiles(70 + i, 'qemu', { uid: 107, cmdline: `${args.join('\0')}\0` })),
    ),
  )
const guest = (rest: Partial<ObservedDomain>): ObservedDomain => ({
  ...{ stack: 'libvirt', name: 'g', uuid: 'u', live: undefined, inactive: undefined, process: undefined },
  ...rest,
})

describe('QEMU processes', () => {
  it('of any user are guests as their command lines tell', () => {
    const [seen, ...more] = observePlain(host(ARGS), [])
    expect(more).toEqual([])
    expect(seen).toMatchObject({
      ...{ stack: 'qemu', name: 'web', title: 'process 70', uuid: UUID, inactive: undefined },
      live: { type: 'kvm', machine: 'q35', vcpus: { current: 2, maximum: 4 } },
      process: { pid: 70, vectors: new Map([['52:54:00:aa:00:01', 6]]) },
    })
    expect(seen).not.toHaveProperty('startedBy')
  })

  it.each([
    ['/usr/libexec/qemu-kvm', 1],
    ['/usr/bin/kvm', 1],
    ['qemu-system-aarch64', 1],
    ['/usr/bin/qemu-img', 0],
    ['/opt/mykvm', 0],
    ['/bin/cat', 0],
  ])('%s: %i of them', (program, count) => {
    expect(observePlain(host([program, '-name', 'web']), [])).toHaveLength(count)
  })

  it('that are in view already, by process or by UUID, are not shown twice', () => {
    const pid = {
      pid: 70,
      openFiles: undefined,
      vhostFds: undefined,
      vectors: new Map(),
      lockedKib: undefined,
    }
    expect(observePlain(host(ARGS), [guest({ process: pid })])).toEqual([])
    expect(observePlain(host(ARGS), [guest({ uuid: UUID })])).toEqual([])
    expect(observePlain(host(ARGS), [guest({})])).toHaveLength(1)
  })

  it('without a name or UUID are shown all the same', () => {
    expect(observePlain(host(['/usr/bin/kvm'], ['/usr/bin/kvm']), [])).toMatchObject([
      { name: 'qemu', title: 'process 70', uuid: '' },
      { name: 'qemu', title: 'process 71', uuid: '' },
    ])
  })

  it.each([
    ['-chardev socket,path=/run/incus/web/qemu.monitor', /^LXD or Incus/],
    ['-chardev socket,path=/var/run/kubevirt-private/x', /^KubeVirt/],
    ['-pidfile /var/run/qemu-server/100.pid', /^Proxmox VE/],
    ['-name guest=web,debug-threads=on', /^another libvirt/],
    ['-object secret,file=/var/lib/libvirt/qemu/master-key', /^another libvirt/],
  ])('%s tells who started it', (args, by) => {
    expect(observePlain(host(['/usr/bin/kvm', ...args.split(' ')]), [])[0]?.startedBy).toMatch(by)
  })
})

describe('a command line', () => {
  it('has NICs in the form of libvirt', () => {
    expect(fromCommandLine(ARGS, 'web').interfaces).toEqual([
      {
        ...{
          index: 0,
          mac: '52:54:00:aa:00:01',
          type: 'tap',
          model: 'virtio-net-pci',
          driver: 'vhost',
          queues: 2,
        },
        ...{ target: 'tap0', targetManaged: true, source: undefined, alias: 'nic0' },
        ...{ teaming: undefined, backend: undefined },
      },
    ])
  })

  it('without mq=on offers one queue; without vhost a tap is QEMU’s, and other backends are nobody’s', () => {
    const nics = (...args: string[]) =>
      fromCommandLine(['qemu-system-x86_64', ...args], 'g').interfaces.map(
        ({ mac, type, driver, queues }) => [...[mac, type, driver, queues]],
      )
    const device = ['-device', 'virtio-net-pci,netdev=n']
    expect(nics('-netdev', 'tap,id=n,queues=4', ...device)).toEqual([['-', 'tap', 'qemu', undefined]])
    expect(nics('-netdev', 'user,id=n', ...device)).toEqual([['-', 'user', undefined, undefined]])
    expect(nics(...device)).toEqual([['-', '-', undefined, undefined]])
  })

  it('without KVM is emulated', () => {
    expect(fromCommandLine(['qemu-system-x86_64'], 'g')).toMatchObject({ name: 'g', uuid: '', type: 'qemu' })
  })
})

it('other monitors that run here are named once each', () => {
  const system = systemWith({
    ...processFiles(10, 'firecracker'),
    ...processFiles(11, 'firecracker'),
    // The kernel keeps 15 characters of a name.
    ...processFiles(12, 'cloud-hyperviso'),
    ...processFiles(13, 'bash'),
    '/proc/xen/capabilities': 'control_d\n',
  })
  expect(otherStacks(system)).toEqual([
    'this host runs Firecracker, which has one queue pair for each NIC; vqtune knows no more of it',
    'this host runs Cloud Hypervisor: num_queues= of --net; vqtune knows no more of it',
    'this host runs Xen; vqtune knows no more of it',
  ])
  expect(otherStacks(systemWith(processFiles(13, 'bash')))).toEqual([])
})
