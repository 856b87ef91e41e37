import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs'
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
    // Somebody cleared /run.
    rmSync(file)
    publish(2, 30)
    expect(readFileSync(file, 'utf8')).toContain('vqtune_x 2\n')
    expect(told.filter((text) => text !== undefined)).toEqual([])
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
