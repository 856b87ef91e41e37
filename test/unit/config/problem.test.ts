import { describe, expect, test } from 'vitest'
import { dottedPath, problemLine, shownValue } from '../../../src/config/problem'

describe('a problem', () => {
  test('is one line that begins with its place', () => {
    const text = 'nic[0].cap = 300: allowed is 1 to 256'
    expect(problemLine({ file: '/etc/vqtune/vqtune.toml', line: 12, text })).toBe(
      '/etc/vqtune/vqtune.toml:12: nic[0].cap = 300: allowed is 1 to 256',
    )
    expect(problemLine({ file: '/f', line: undefined, text: 'no such file' })).toBe('/f: no such file')
  })

  test('shows nothing that ends the line, controls a terminal or turns text around', () => {
    const text = 'a\nb\r\u001b[1m\u0085\u2028\u2029\u202e\ud800z'
    expect(problemLine({ file: '/a\tb', line: 1, text })).toBe(
      '/a\ufffdb:1: a\ufffdb\ufffd\ufffd[1m\ufffd\ufffd\ufffd\ufffd\ufffdz',
    )
  })
})

test.each([
  [['nic', 0, 'cap'], 'nic[0].cap'],
  [['boot', 'wait-ms'], 'boot.wait-ms'],
  [['boot', 'wait ms'], 'boot."wait ms"'],
  [['', 'a"b'], '""."a\\"b"'],
  [['x'.repeat(61)], `${'x'.repeat(57)}...`],
  [['x'.repeat(60)], 'x'.repeat(60)],
])('the path %j is shown as %s', (path, shown) => {
  expect(dottedPath(path)).toBe(shown)
})

test.each([
  ['text', '"text"'],
  ['a\nb', '"a\\nb"'],
  [1.5, '1.5'],
  [true, 'true'],
  [[1, 2], 'an array of 2'],
  [{ a: 1 }, 'a table'],
  [new Date('2026-01-02T03:04:05Z'), '2026-01-02T03:04:05.000Z'],
  [new Date(Number.NaN), 'a date'],
  ['x'.repeat(58), `"${'x'.repeat(58)}"`],
  ['x'.repeat(59), `"${'x'.repeat(56)}...`],
  // A character that takes two units is not cut in half.
  ['\u{1f600}'.repeat(60), `"${'\u{1f600}'.repeat(56)}...`],
])('the value %j is shown as %s', (value, shown) => {
  expect(shownValue(value)).toBe(shown)
})
