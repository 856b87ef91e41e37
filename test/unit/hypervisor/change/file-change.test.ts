import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { backupDirectory, listBackups, markUndone } from '../../../../src/hypervisor/change/backup'
import { changeFile } from '../../../../src/hypervisor/change/file-change'
import { openSystem } from '../../../../src/system/system'

const mode = (path: string) => statSync(path).mode & 0o7777

function fresh() {
  const root = mkdtempSync(join(tmpdir(), 'vqtune-host-'))
  mkdirSync(`${root}/etc`)
  return { system: openSystem(root), path: `${root}/etc/x.conf` }
}

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
  expect(listBackups(system)).toMatchObject([{ id: backup.id, before: 'old\n', undone: expect.any(String) }])
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
