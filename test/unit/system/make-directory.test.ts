import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { saveBackup } from '../../../src/hypervisor/change/backup'
import { appendLine } from '../../../src/system/line-log'
import { takeLock } from '../../../src/system/lock'
import { makeDirectory } from '../../../src/system/make-directory'
import { openSystem } from '../../../src/system/system'

let root: string
let umask: number
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vqtune-directory-'))
  umask = process.umask(0o077)
})
afterEach(() => {
  process.umask(umask)
  rmSync(root, { recursive: true, force: true })
})
const modeOf = (path: string): string => (statSync(`${root}/${path}`).mode & 0o7777).toString(8)

it('gives what it makes its mode under any umask, and what is there keeps its own', () => {
  mkdirSync(`${root}/a`)
  chmodSync(`${root}/a`, 0o711)
  makeDirectory(`${root}/a/b/c`, 0o700)
  expect(['a', 'a/b', 'a/b/c'].map(modeOf)).toEqual(['711', '755', '700'])
  makeDirectory(`${root}/a`)
  expect(modeOf('a')).toBe('711')
})

it.each([
  ['a file in its place', 'file', 'EEXIST'],
  ['a file on the way', 'file/a/b', 'ENOTDIR'],
  ['a link to nowhere on the way', 'link/a/b', 'ENOENT'],
])('with %s is an error', (_, path, code) => {
  writeFileSync(`${root}/file`, '')
  symlinkSync('nowhere', `${root}/link`)
  expect(() => makeDirectory(`${root}/${path}`)).toThrow(expect.objectContaining({ code }))
  expect(readdirSync(root)).toEqual(['file', 'link'])
})

it('so state can be read by users whoever made its directory first; backups cannot', async () => {
  const system = openSystem(root)
  const lock = await takeLock(system, 'apply', 1_000)
  lock.release()
  expect(modeOf('run/vqtune')).toBe('755')
  rmSync(`${root}/run`, { recursive: true })
  system.replaceFile(`${system.paths.runDir}/status.json`, '{}')
  expect(['run', 'run/vqtune', 'run/vqtune/status.json'].map(modeOf)).toEqual(['755', '755', '644'])
  appendLine(system, `${system.paths.stateDir}/drift.jsonl`, '{}', 1_000)
  expect(['var/lib/vqtune', 'var/lib/vqtune/drift.jsonl'].map(modeOf)).toEqual(['755', '644'])
  rmSync(`${root}/var`, { recursive: true })
  saveBackup(system, {
    action: 'max-files',
    target: { kind: 'file', path: '/etc/libvirt/qemu.conf' },
    before: null,
    after: '',
  })
  expect(['var', 'var/lib', 'var/lib/vqtune', 'var/lib/vqtune/backups'].map(modeOf)).toEqual([
    '755',
    '755',
    '755',
    '700',
  ])
})
