import {
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Exposition } from '../../../src/daemon/exposition'
import type { Family } from '../../../src/daemon/prometheus'
import { openSystem } from '../../../src/system/system'

describe('Exposition', () => {
  const root = mkdtempSync(join(tmpdir(), 'vqtune-exposition-'))
  const file = join(root, 'run/vqtune/vqtune.prom')
  const families = (value: number): readonly Family[] => [
    { name: 'x', type: 'gauge', help: 'X', samples: [{ value }] },
  ]
  const old = new Date(1_700_000_000_000)

  it('writes what is new, and else sets the time of the file after each look', () => {
    const told: (string | undefined)[] = []
    const exposition = new Exposition(openSystem(root), (_topic, text) => told.push(text))
    const publish = (value: number, checkedAt: number): void =>
      exposition.publish(families(value), checkedAt, {
        textfile: '/run/vqtune/vqtune.prom',
        listen: undefined,
      })
    publish(1, 10)
    const first = statSync(file)
    utimesSync(file, old, old)
    // A pass that failed: nothing was looked at.
    publish(1, 10)
    expect(statSync(file).mtimeMs).toBe(old.getTime())
    publish(1, 20)
    expect(statSync(file).mtimeMs).toBeGreaterThan(old.getTime())
    expect(statSync(file).ino).toBe(first.ino)
    publish(2, 20)
    expect(readFileSync(file, 'utf8')).toContain('vqtune_x 2\n')
    // Somebody emptied it, or put something else in its place.
    for (const spoil of [
      () => truncateSync(file),
      () => {
        rmSync(file)
        symlinkSync('/dev/null', file)
      },
    ]) {
      spoil()
      publish(2, 20)
      expect(statSync(file).size).toBe(0)
      publish(2, 25)
      expect(readFileSync(file, 'utf8')).toContain('vqtune_x 2\n')
      publish(2, 20)
    }
    expect(lstatSync(file).isFile()).toBe(true)
    // Somebody cleared /run.
    rmSync(file)
    publish(2, 30)
    expect(readFileSync(file, 'utf8')).toContain('vqtune_x 2\n')
    expect(told.filter((text) => text !== undefined)).toEqual([])
  })

  it.each([
    [65_534, "(EACCES): its directory belongs to user 65534; it must be root's, or have mode 1777"],
    [0, '(EACCES)'],
    [undefined, '(EACCES)'],
  ])('says what is wrong with a directory of user %s', (uid, end) => {
    const denied = (): never => {
      throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' })
    }
    const stat = () => (uid === undefined ? denied() : { uid, mode: 0o755, size: 1, kind: 'directory' })
    const system = Object.assign(Object.create(openSystem(root)), { replaceFile: denied, stat })
    const told: (string | undefined)[] = []
    const exposition = new Exposition(system, (_topic, text) => told.push(text))
    exposition.publish(families(1), 10, { textfile: '/srv/vqtune.prom', listen: undefined })
    expect(told).toEqual([`${root}/srv/vqtune.prom: cannot write the metrics ${end}`])
  })

  it('does not take a text that could not be written for written', () => {
    const system = openSystem(root)
    let full = true
    const replaceFile = (path: string, text: string): void => {
      if (full) throw new Error('ENOSPC: no space left on device')
      system.replaceFile(path, text)
    }
    const told: (string | undefined)[] = []
    const exposition = new Exposition(Object.assign(Object.create(system), { replaceFile }), (_topic, text) =>
      told.push(text),
    )
    const publish = (checkedAt: number): void =>
      exposition.publish(families(3), checkedAt, { textfile: '/run/vqtune/vqtune.prom', listen: undefined })
    publish(40)
    expect(told).toEqual([expect.stringMatching(/vqtune\.prom: cannot write the metrics \(ENOSPC.*\)$/)])
    full = false
    publish(40)
    expect(told.at(-1)).toBeUndefined()
    expect(readFileSync(file, 'utf8')).toContain('vqtune_x 3\n')
  })
})
