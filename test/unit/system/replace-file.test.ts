import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSystem } from '../../../src/system/system'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vqtune-replace-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8)

it('replaces a file and leaves no other', () => {
  writeFileSync(`${root}/state`, 'old')
  openSystem(root).replaceFile(`${root}/state`, 'new')
  expect(readFileSync(`${root}/state`, 'utf8')).toBe('new')
  expect(readdirSync(root)).toEqual(['state'])
})

it('leaves no temporary file when it fails', () => {
  mkdirSync(`${root}/state/in-the-way`, { recursive: true })
  expect(() => openSystem(root).replaceFile(`${root}/state`, 'new')).toThrow(/EISDIR|ENOTEMPTY/)
  expect(readdirSync(root)).toEqual(['state'])
})

it('makes the directory, and only the last one with the mode that is asked for', () => {
  openSystem(root).replaceFile(`${root}/run/vqtune/state`, 'new')
  expect([modeOf(`${root}/run/vqtune`), modeOf(`${root}/run/vqtune/state`)]).toEqual(['755', '644'])
  const file = `${root}/lib/vqtune/backups/x.json`
  openSystem(root).replaceFile(file, 'new', { mode: 0o600, directoryMode: 0o700, keep: true })
  const modes = [`${root}/lib/vqtune`, `${root}/lib/vqtune/backups`, file].map(modeOf)
  expect(modes).toEqual(['755', '700', '600'])
})

describe('a file that an administrator may have made', () => {
  const keep = { mode: 0o644, keep: true }

  it('keeps mode and owner; a new one gets the mode that is asked for, whatever the umask', () => {
    writeFileSync(`${root}/qemu.conf`, 'old')
    chownSync(`${root}/qemu.conf`, 65534, 65534)
    chmodSync(`${root}/qemu.conf`, 0o640)
    openSystem(root).replaceFile(`${root}/qemu.conf`, 'new', keep)
    const { uid, gid } = statSync(`${root}/qemu.conf`)
    expect([uid, gid, modeOf(`${root}/qemu.conf`)]).toEqual([65534, 65534, '640'])
    const before = process.umask(0o077)
    try {
      openSystem(root).replaceFile(`${root}/fresh`, 'new', keep)
    } finally {
      process.umask(before)
    }
    expect(modeOf(`${root}/fresh`)).toBe('644')
  })

  it('stays where a link leads, and the link stays a link; a dangling one is replaced', () => {
    mkdirSync(`${root}/srv`)
    writeFileSync(`${root}/srv/qemu.conf`, 'old')
    symlinkSync('srv/qemu.conf', `${root}/qemu.conf`)
    openSystem(root).replaceFile(`${root}/qemu.conf`, 'new', keep)
    expect(lstatSync(`${root}/qemu.conf`).isSymbolicLink()).toBe(true)
    expect(readFileSync(`${root}/srv/qemu.conf`, 'utf8')).toBe('new')
    expect(readdirSync(`${root}/srv`)).toEqual(['qemu.conf'])
    symlinkSync('nowhere', `${root}/dangling`)
    openSystem(root).replaceFile(`${root}/dangling`, 'new', keep)
    expect(lstatSync(`${root}/dangling`).isFile()).toBe(true)
    symlinkSync('circle', `${root}/circle`)
    expect(() => openSystem(root).replaceFile(`${root}/circle`, 'new', keep)).toThrow(/ELOOP/)
  })

  it('has its directory already', () => {
    expect(() => openSystem(root).replaceFile(`${root}/missing/x`, 'new', keep)).toThrow(/ENOENT/)
    expect(existsSync(`${root}/missing`)).toBe(false)
  })
})

it('removes a file, also one that is gone; what cannot be removed is an error', () => {
  const system = openSystem(root)
  writeFileSync(`${root}/x`, '')
  system.removeFile(`${root}/x`)
  expect(readdirSync(root)).toEqual([])
  system.removeFile(`${root}/x`)
  system.removeFile(`${root}/gone/x`)
  mkdirSync(`${root}/directory`)
  expect(() => system.removeFile(`${root}/directory`)).toThrow(/EISDIR|directory/)
})
