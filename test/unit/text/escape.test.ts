import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { escapeControl, escapeToOneLine, operand, shellQuote } from '../../../src/text/escape'

/** Names as the kernel takes them: up to 15 bytes without white space, `/` and `:`. */
const NAMES = [
  'ens3',
  '-L',
  '--json',
  'a;reboot',
  '$(reboot)',
  '`id`',
  "q'q",
  'b\\',
  '&x|y>z',
  '<0>x',
  '\u001b[8mX',
  "\u001b'\\x",
  'c1\u009b2J',
  '\u00071',
  'ä\u202e',
]

describe('text that goes to a terminal', () => {
  test('escapes, cursor moves, C1 controls and direction marks become visible; lines, tabs and letters stay', () => {
    expect(escapeControl('a\u001b[2Jb\rc\u0008d\u009b1me\u202ef\u007fg')).toBe(
      'a\\u001b[2Jb\\u000dc\\u0008d\\u009b1me\\u202ef\\u007fg',
    )
    expect(escapeControl('grün, 中文, 🚀\tx\ny\n')).toBe('grün, 中文, 🚀\tx\ny\n')
  })

  test('only the colours that vqtune itself prints stay, and only in colour', () => {
    const line = '\u001b[32mok\u001b[39m \u001b[8mhidden\u001b[0m \u001b]0;title\u0007'
    expect(escapeControl(line, true)).toBe(
      '\u001b[32mok\u001b[39m \\u001b[8mhidden\\u001b[0m \\u001b]0;title\\u0007',
    )
    expect(escapeControl(line)).not.toContain('\u001b')
  })

  test('JSON keeps its meaning', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
        expect(JSON.parse(escapeControl(JSON.stringify({ text })))).toEqual({ text })
      }),
    )
  })

  test('an error stays one line', () => {
    expect(escapeToOneLine('a\nvqtune: all is well')).toBe('a\\u000avqtune: all is well')
  })
})

describe('names in command lines to copy', () => {
  test.each(NAMES)('bash reads %j back as one word, and runs nothing', (name) => {
    const directory = mkdtempSync(join(tmpdir(), 'vqtune-word-'))
    const script = `printf '%s|' ${shellQuote(name)}; ls -A`
    // In the C locale, too, which a root shell on a console may have.
    const env = { ...process.env, LC_ALL: 'C' }
    const read = execFileSync('bash', ['-c', script], { cwd: directory, encoding: 'utf8', env })
    expect(read).toBe(`${name}|`)
  })

  test('any text survives bash', () => {
    const text = fc.string({ unit: 'grapheme-ascii', minLength: 1 })
    const words = fc.sample(text, { numRuns: 300, seed: 7 })
    const script = words.map((word) => `printf '%s\\0' ${shellQuote(word)}`).join('\n')
    const read = execFileSync('bash', ['-c', script], { encoding: 'utf8' })
    expect(read.split('\0').slice(0, -1)).toEqual(words)
  })

  test('plain names are not dressed up; one that looks like an option comes after --', () => {
    expect(shellQuote('enp0s8.100')).toBe('enp0s8.100')
    expect(operand('ens3')).toBe('ens3')
    expect(operand('-L')).toBe('-- -L')
    expect(operand('-;')).toBe("-- '-;'")
  })
})
