import { describe, expect, it } from 'vitest'
import { parseDomain } from '../../../../src/hypervisor/libvirt/domain'
import { automaticQueues, diskQueues, scsiQueues } from '../../../../src/hypervisor/qemu/device-queues'

describe('queues that nobody asked for', () => {
  it.each([
    ['pc-q35-5.2', 8],
    ['pc-q35-5.1', 1],
    ['pc-i440fx-10.0', 8],
    ['pc-i440fx-9.0+pve1', 8],
    ['pc-q35-rhel8.4.0', 8],
    ['pc-q35-rhel8.2.0', 1],
    ['pc-i440fx-rhel7.6.0', 1],
    ['pc-q35-rhel9.4.0', 8],
    ['q35', 8],
  ])('%s: %i on 8 vCPUs', (machine, queues) => {
    expect(automaticQueues({ machine, vcpus: { current: 8, maximum: 16 } })).toBe(queues)
  })
})

describe('queues of a device', () => {
  const domain = (machine: string, devices = '') =>
    parseDomain(
      `<domain><name>g</name><uuid>u</uuid><vcpu current='3'>8</vcpu><os><type machine='${machine}'>hvm</type></os><devices>${devices}</devices></domain>`,
      'g',
    )
  const disk = (virtio: boolean, queues?: number) => ({ virtio, queues, protocol: undefined })

  it('of a virtio disk are those that it asks for, or one for each vCPU at the start', () => {
    expect(diskQueues(disk(true, 2), domain('q35'))).toBe(2)
    expect(diskQueues(disk(true), domain('q35'))).toBe(3)
    expect(diskQueues(disk(true), domain('pc-q35-4.2'))).toBe(1)
    expect(diskQueues(disk(false, 2), domain('q35'))).toBe(0)
  })

  it('of virtio-scsi are told for each controller', () => {
    const controllers = "<controller type='scsi' model='virtio-scsi'><driver queues='4'/></controller>"
    const automatic = "<controller type='scsi' model='virtio-scsi'/>"
    expect(scsiQueues(domain('q35', controllers + automatic))).toEqual([4, 3])
    expect(scsiQueues(domain('pc-i440fx-rhel7.6.0', automatic))).toEqual([1])
    expect(scsiQueues(domain('q35'))).toEqual([])
  })
})
