import { existsSync, mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  backupDirectory,
  listBackups,
  parseBackup,
  updateAfter,
} from '../../../../src/hypervisor/change/backup'
import { openSystem } from '../../../../src/system/system'
import { systemFailing, systemWith } from '../../../support/systems'

function fresh() {
  const root = mkdtempSync(join(tmpdir(), 'vqtune-host-'))
  mkdirSync(`${root}/etc`)
  return { system: openSystem(root), path: `${root}/etc/x.conf` }
}

describe('parseBackup', () => {
  it.each(['', '{', 'null', '{"version":2}', '{"version":1,"target":{"kind":"file"}}'])(
    'refuses %j',
    (text) => {
      expect(() => parseBackup(text, '/b/x.json')).toThrow(/^\/b\/x\.json: not a backup record/)
    },
  )
})

describe('records', () => {
  const record = (id: string, time: string) =>
    JSON.stringify({
      ...{ version: 1, id, time, action: 'undo', target: { kind: 'file', path: '/etc/x' } },
      ...{ before: null, after: 'a', undone: null, byUndo: true },
    })

  it('come oldest first, and by name when they are of the same second', () => {
    const directory = '/var/lib/vqtune/backups'
    const times = { a: '2026-01-02T00:00:00Z', d: '2026-01-01T00:00:00Z', c: '2026-01-02T00:00:00Z' }
    const system = systemWith(
      Object.fromEntries(
        Object.entries(times).map(([id, time]) => [`${directory}/${id}.json`, record(id, time)]),
      ),
    )
    const order = (names: readonly string[]) =>
      listBackups(Object.assign(Object.create(system), { list: () => names })).map(({ id }) => id)
    for (const names of [
      ['a.json', 'c.json', 'd.json', 'other.txt'],
      ['d.json', 'c.json', 'a.json'],
      ['c.json', 'a.json', 'd.json'],
    ])
      expect(order(names)).toEqual(['d', 'a', 'c'])
    expect(() => order(['gone.json'])).toThrow('gone.json: not a backup record: not JSON')
  })

  it('that may not be read ask for root; other errors stay as they are', () => {
    for (const [errno, words] of [
      ['EACCES', 'permission denied'],
      ['EPERM', 'operation not permitted'],
    ] as const)
      expect(() => listBackups(systemFailing(errno))).toThrow(
        new RegExp(`cannot read: ${words}; run as root$`),
      )
    expect(() => listBackups(systemFailing('EIO'))).toThrow(/^EIO$/)
  })

  it('are written again only when the target holds something else', () => {
    const { system } = fresh()
    const backup = parseBackup(record('a', '2026-01-01T00:00:00Z'), '/a.json')
    expect(updateAfter(system, backup, 'a')).toBe(backup)
    expect(existsSync(backupDirectory(system))).toBe(false)
    expect(updateAfter(system, backup, 'b')).toEqual({ ...backup, after: 'b' })
    expect(listBackups(system)).toEqual([{ ...backup, after: 'b' }])
  })
})
