import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openSystem } from '../../../src/system/system'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vqtune-replace-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

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
