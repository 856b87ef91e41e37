/** Texts of qm, made from its documentation: nothing here was recorded on a node. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { offeredQueues } from '../../../../src/hypervisor/libvirt/domain'
import {
  hotPlugsNetworks,
  linesOf,
  netKeys,
  parseConfig,
  toDomain,
  withQueues,
} from '../../../../src/hypervisor/proxmox/config'

const documented = (name: string) =>
  readFileSync(
    fileURLToPath(new URL(`../../../fixtures/host/proxmox-documented/${name}`, import.meta.url)),
    'utf8',
  )
const config = parseConfig(documented('100.conf'))
const domain = (...lines: string[]) => toDomain('9', parseConfig(lines.join('\n')))

describe('qm config', () => {
  it('is a domain like those of libvirt', () => {
    expect(toDomain('100', config)).toMatchObject({
      name: '100',
      uuid: '8b1c5c5e-0000-4000-8000-000000000100',
      type: 'kvm',
      vcpus: { current: 4, maximum: 4 },
      memoryKib: 2048 * 1024,
      guestOs: { family: 'linux' },
      devices: { scsiControllers: [undefined], passedThrough: 0 },
      interfaces: [
        {
          index: 0,
          mac: 'bc:24:11:00:00:01',
          model: 'virtio',
          queues: undefined,
          target: 'tap100i0',
          alias: 'net0',
          source: 'vmbr0',
        },
        { index: 1, mac: 'bc:24:11:00:00:02', queues: 2 },
        { index: 2, model: 'e1000', driver: undefined },
      ],
    })
    expect(toDomain('101', parseConfig(documented('101.conf')))).toMatchObject({
      guestOs: { family: 'windows', name: 'Windows (win11)' },
      devices: { disks: [{ virtio: true }] },
      interfaces: [{ mac: 'bc:24:11:00:00:11', model: 'virtio', queues: 4 }],
    })
  })

  it('reads what is rarer', () => {
    expect(domain('cores: 4', 'sockets: 2', 'vcpus: 3').vcpus).toEqual({ current: 3, maximum: 8 })
    expect(domain('vcpus: 9').vcpus).toEqual({ current: 1, maximum: 1 })
    expect(domain('memory: current=512').memoryKib).toBe(512 * 1024)
    expect(domain('kvm: 0', 'arch: aarch64', 'machine: type=virt-9.0')).toMatchObject({
      type: 'qemu',
      arch: 'aarch64',
      machine: 'virt-9.0',
      memoryKib: undefined,
    })
    expect(domain('machine: pc-q35-8.1,viommu=intel').machine).toBe('pc-q35-8.1')
    expect(domain('ostype: other').guestOs).toBeUndefined()
    expect(domain('ostype: solaris').guestOs).toMatchObject({ family: 'other', name: 'solaris' })
    expect(domain('hostpci0: 01:00.0', 'hostpci1: 02:00.0').devices.passedThrough).toBe(2)
    expect(
      domain('scsihw: virtio-scsi-pci', 'scsi0: a,queues=4', 'scsi1: b').devices.scsiControllers,
    ).toEqual([4])
    expect(domain('scsihw: lsi', 'scsi0: a').devices.scsiControllers).toEqual([])
    expect(domain('scsihw: virtio-scsi-pci', 'scsi0: a,media=cdrom').devices.scsiControllers).toEqual([])
    expect(domain('scsi0: a').devices.scsiControllers).toEqual([])
    expect(domain('net0: virtio', 'net1: macaddr=BC:24:11:00:00:01').interfaces).toMatchObject([
      { mac: '', model: '' },
      { mac: 'bc:24:11:00:00:01', model: undefined },
    ])
  })

  it('says whether a change of a running machine takes the NIC out', () => {
    const hot = (line: string) => hotPlugsNetworks(parseConfig(line))
    expect(['', 'hotplug: 1', 'hotplug: network', 'hotplug: disk,network'].map(hot)).toEqual([
      true,
      true,
      true,
      true,
    ])
    expect(['hotplug: 0', 'hotplug: disk,usb'].map(hot)).toEqual([false, false])
  })

  it('is edited in one option, and read back as asked', () => {
    expect(withQueues('virtio=A,bridge=b', 4)).toBe('virtio=A,bridge=b,queues=4')
    expect(withQueues('virtio=A,queues=4,tag=3', 2)).toBe('virtio=A,queues=2,tag=3')
    expect(withQueues('virtio=A,queues=4,tag=3', 1)).toBe('virtio=A,tag=3')
    expect(withQueues('virtio=A', 1)).toBe('virtio=A')
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        fc.constantFrom(...netKeys(config).slice(0, 2)),
        (queues, key) => {
          const changed = new Map([...config, [key, withQueues(config.get(key) as string, queues)]])
          const nic = toDomain('100', changed).interfaces.find(({ alias }) => alias === key)
          expect(nic && offeredQueues(nic)).toBe(queues)
        },
      ),
    )
    expect(netKeys(parseConfig('net10: a\nnet2: b\nname: c\nnot a line\n'))).toEqual(['net2', 'net10'])
    expect(linesOf(config, ['net2', 'net9'])).toBe('net2: e1000=BC:24:11:00:00:03,bridge=vmbr0\n')
  })
})
