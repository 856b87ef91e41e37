import { describe, expect, it } from 'vitest'
import { parseDomain } from '../../../../src/hypervisor/libvirt/domain'
import { estimateFds, suggestMaxFiles, unknownFiles } from '../../../../src/hypervisor/qemu/fd-estimate'
import { recorded } from '../recorded'
import { disk, guest, nic } from './guest-with'

describe('open files', () => {
  it('count disks and controllers with their queues, virtiofs and passed-through devices', () => {
    const base = 16 + 16
    expect(estimateFds(guest(''))).toBe(base)
    expect(estimateFds(guest(disk()))).toBe(base + 1 + 16)
    expect(estimateFds(guest("<disk><target dev='sda' bus='sata'/></disk>"))).toBe(base + 1)
    expect(estimateFds(guest("<controller type='scsi' model='virtio-scsi'/>"))).toBe(base + 16)
    expect(estimateFds(guest("<filesystem><driver type='virtiofs'/></filesystem>"))).toBe(base + 8)
    expect(estimateFds(guest("<hostdev type='pci'/>"))).toBe(base + 24)
  })

  it('of sockets to storage and switches are not known', () => {
    expect(unknownFiles(guest(disk()))).toEqual([])
    const rbd = disk("<source protocol='rbd' name='p/i'/>", 'network')
    expect(unknownFiles(guest(rbd + rbd + disk('', 'network')))).toEqual([
      'network disks (sockets to the storage)',
      'rbd disks (sockets to the storage)',
    ])
    expect(unknownFiles(guest(disk('', 'vhostuser')))).toEqual(['vhost-user sockets and their memory'])
    expect(unknownFiles(guest(nic(2).replace('bridge', 'vhostuser')))).toEqual([
      'vhost-user sockets and their memory',
    ])
  })
})

it('of the recorded guest: 16 of QEMU itself, 4 of its vCPUs, 10 for each of 5 queue pairs', () => {
  expect(estimateFds(parseDomain(recorded('web01.inactive.xml'), 'web01'))).toBe(16 + 4 + 50)
})

it('max_files is the next power of two above the need, 2048 at least', () => {
  expect([[], [2047], [2048], [5000]].map(suggestMaxFiles)).toEqual([2048, 2048, 4096, 8192])
})
