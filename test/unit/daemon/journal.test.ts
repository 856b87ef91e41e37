import { describe, expect, it } from 'vitest'
import { isJournal, journalLine } from '../../../src/daemon/journal'

describe('journal lines', () => {
  it.each([
    [60, 2],
    [50, 3],
    [40, 4],
    [30, 6],
    [20, 7],
  ])('level %i has priority %i', (level, priority) => {
    expect(journalLine(level, '{"msg":"x"}\n')).toBe(`<${priority}>{"msg":"x"}\n`)
  })

  it('are written only to the stream that systemd made', () => {
    expect(isJournal('8:42', { dev: 8, ino: 42 })).toBe(true)
    expect(isJournal('8:42', { dev: 8, ino: 43 })).toBe(false)
    expect(isJournal(undefined, { dev: 8, ino: 42 })).toBe(false)
  })
})
