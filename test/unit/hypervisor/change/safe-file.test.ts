import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, it } from 'vitest'
import { readConfigFile, removeSafely, writeSafely } from '../../../../src/hypervisor/change/safe-file'
import { systemFailing, systemWith } from '../../../support/systems'

const mode = (path: string) => statSync(path).mode & 0o7777

function fresh() {
  const system = systemWith({ '/etc/other': '' })
  return { system, path: `${system.paths.root}/etc/x.conf` }
}

it('writes through a symbolic link', () => {
  const { system, path } = fresh()
  const link = `${path}.link`
  writeFileSync(path, 'old\n')
  symlinkSync(path, link)
  writeSafely(system, link, 'new\n', { mode: 0o600 })
  expect(readFileSync(path, 'utf8')).toBe('new\n')
})

it('a new file has the mode that is asked for, and so has its directory; one that is there keeps its own', () => {
  const { system } = fresh()
  const path = `${system.paths.root}/var/lib/new/x.xml`
  writeSafely(system, path, 'a\n', { mode: 0o600, directoryMode: 0o700 })
  expect([mode(path), mode(dirname(path))]).toEqual([0o600, 0o700])
  writeSafely(system, path, 'b\n', { mode: 0o644 })
  expect([readFileSync(path, 'utf8'), mode(path)]).toEqual(['b\n', 0o600])
})

it('a file that is gone needs no removal, and has no text', () => {
  const { system, path } = fresh()
  writeFileSync(path, 'old\n')
  expect(readConfigFile(system, path)).toBe('old\n')
  removeSafely(system, path)
  removeSafely(system, path)
  expect(readConfigFile(system, path)).toBeUndefined()
})

it.each([
  ['EACCES', 'permission', 'permission denied; run as root'],
  ['EROFS', 'permission', 'the file system is read-only'],
  ['ENOSPC', 'state', 'no space left on the file system'],
])('%s: what may not be written is told in words, and that nothing was changed', (errno, kind, words) => {
  const system = systemFailing(errno)
  const written = { kind, message: `/etc/x: cannot write: ${words}; nothing was changed` }
  expect(() => writeSafely(system, '/etc/x', 'a', { mode: 0o600 })).toThrow(expect.objectContaining(written))
  const removing = Object.assign(Object.create(system), { removeFile: system.replaceFile })
  expect(() => removeSafely(removing, '/etc/x')).toThrow(expect.objectContaining(written))
  const read = { kind, message: `/etc/x: cannot read: ${words}` }
  expect(() => readConfigFile(system, '/etc/x')).toThrow(expect.objectContaining(read))
})
