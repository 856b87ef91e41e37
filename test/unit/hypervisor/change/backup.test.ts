import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  backupDirectory,
  listBackups,
  markUndone,
  parseBackup,
  updateAfter,
} from '../../../../src/hypervisor/change/backup'
import { changeFile } from '../../../../src/hypervisor/change/file-change'
import { writeSafely } from '../../../../src/hypervisor/change/safe-file'
import { openSystem } from '../../../../src/system/system'
import { systemFailing, systemWith } from '../../../support/systems'

const mode = (path: string) => statSync(path).mode & 0o7777

function fresh() {
  const root = mkdtempSync(join(tmpdir(), 'vqtune-host-'))
  mkdirSync(`${root}/etc`)
  return { system: openSystem(root), path: `${root}/etc/x.conf` }
}

describe('changeFile', () => {
  it('keeps the mode, backs up for root only, and leaves no temporary file', () => {
    const { system, path } = fresh()
    writeFileSync(path, 'old\n')
    chmodSync(path, 0o640)
    const backup = changeFile(system, {
      action: 'max-files',
      path,
      before: 'old\n',
      after: 'new\n',
      mode: 0o600,
    })
    expect([readFileSync(path, 'utf8'), mode(path)]).toEqual(['new\n', 0o640])
    expect([mode(backupDirectory(system)), mode(`${backupDirectory(system)}/${backup.id}.json`)]).toEqual([
      0o700, 0o600,
    ])
    expect(mode(system.paths.stateDir) & 0o055).toBe(0o055)
    expect(readdirSync(join(path, '..'))).toEqual(['x.conf'])
    markUndone(system, backup)
    expect(listBackups(system)).toMatchObject([
      { id: backup.id, before: 'old\n', undone: expect.any(String) },
    ])
  })

  it('creates and removes', () => {
    const { system, path } = fresh()
    changeFile(system, { action: 'zerocopy-on', path, before: undefined, after: 'new\n', mode: 0o644 })
    expect(mode(path)).toBe(0o644)
    changeFile(system, { action: 'undo', path, before: 'new\n', after: undefined, mode: 0o644 })
    expect(system.exists(path)).toBe(false)
    expect(listBackups(system).map(({ before, after }) => [before, after])).toEqual([
      [null, 'new\n'],
      ['new\n', null],
    ])
  })

  it('refuses when the file changed meanwhile, and keeps no backup when the write fails', () => {
    const { system, path } = fresh()
    writeFileSync(path, 'other\n')
    expect(() =>
      changeFile(system, { action: 'max-files', path, before: 'old\n', after: 'new\n', mode: 0o600 }),
    ).toThrow('modified concurrently')
    const gone = `${system.paths.root}/missing/x.conf`
    expect(() =>
      changeFile(system, { action: 'max-files', path: gone, before: undefined, after: 'new\n', mode: 0o600 }),
    ).toThrow(`${gone}: cannot write: its directory does not exist; nothing was changed`)
    expect(listBackups(system)).toEqual([])
  })

  it('writes through a symbolic link', () => {
    const { system, path } = fresh()
    const link = `${path}.link`
    writeFileSync(path, 'old\n')
    symlinkSync(path, link)
    writeSafely(system, link, 'new\n', { mode: 0o600 })
    expect(readFileSync(path, 'utf8')).toBe('new\n')
  })
})

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
