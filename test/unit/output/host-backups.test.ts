import { expect, test } from 'vitest'
import type { Backup } from '../../../src/hypervisor/change/backup'
import { backupJson, backupTable, describeTarget } from '../../../src/output/host-backups'

const backup = (more: Partial<Backup>): Backup => ({
  version: 1,
  id: '20270101T000000Z-max-files-abc123',
  time: '2027-01-01T00:00:00.000Z',
  action: 'max-files',
  target: { kind: 'file', path: '/etc/libvirt/qemu.conf' },
  before: null,
  after: 'secret',
  undone: null,
  byUndo: false,
  ...more,
})
const DOMAIN = { kind: 'domain', uri: 'qemu:///system', name: 'web01', uuid: 'u' } as const

test('a backup is told by what was changed, and whether it can be undone', () => {
  expect(
    backupTable([
      backup({}),
      backup({ id: '2', action: 'set-queues', target: DOMAIN, undone: '2027-01-02T00:00:00.000Z' }),
    ])
      .split('\n')
      .map((line) => line.split(/ {2,}/)),
  ).toEqual([
    ['BACKUP', 'VERB', 'OF', 'STATE'],
    ['20270101T000000Z-max-files-abc123', 'max-files', '/etc/libvirt/qemu.conf', 'can be undone'],
    ['2', 'set-queues', 'web01.xml', 'undone 2027-01-02T00:00:00.000Z'],
    [''],
  ])
  expect(backupTable([])).toBe('no backups\n')
})

test('a guest of Proxmox VE has its configuration', () => {
  expect(describeTarget(backup({ target: { kind: 'proxmox', vmid: '100', name: 'web' } }))).toBe('100.conf')
})

test('as JSON, without what is in it', () => {
  expect(backupJson(backup({ target: DOMAIN }))).toEqual({
    id: '20270101T000000Z-max-files-abc123',
    time: '2027-01-01T00:00:00.000Z',
    verb: 'max-files',
    target: 'web01.xml',
    undone: null,
  })
})
