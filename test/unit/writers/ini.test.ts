import { describe, expect, test } from 'vitest'
import { iniLines, iniValue, parseIni } from '../../../src/writers/ini'

const sectionsOf = (text: string) => Object.fromEntries(parseIni(text))

describe('sections', () => {
  test('lines that are no pairs, or stand before any section, are skipped', () => {
    expect(parseIni('x=0\n[a]\nnoise\n=x\nb = 1\n')).toEqual(new Map([['a', [['b', '1']]]]))
  })

  test.each([
    ['[a]\r\nb = 1 2 \r\n', { a: [['b', '1 2']] }],
    ['[a]\n# b=1\n  ; c=2\n\n', { a: [] }],
    [
      '[a]\nb=1\nb=2\nb=\n',
      {
        a: [
          ['b', '1'],
          ['b', '2'],
          ['b', ''],
        ],
      },
    ],
    [
      '[a]\nb=1\n[c]\n[a]\nd=x=y\n',
      {
        a: [
          ['b', '1'],
          ['d', 'x=y'],
        ],
        c: [],
      },
    ],
    ['[a]\nb=1 \\\n  2\n', { a: [['b', '1    2']] }],
    ['[]\nb=1\n', { '': [['b', '1']] }],
    ['[a\nb=1\n', {}],
  ])('%j', (text, expected) => {
    expect(sectionsOf(text)).toEqual(expected)
  })
})

describe('the same with lines', () => {
  test.each([
    ['[a]\nb = 1\n\n[c]\nd=\n', ['2 a b=1', '5 c d=']],
    ['b=1\n[a]\n', ['1  b=1']],
    // The first of those that are joined, with comments between them; see systemd.syntax(7).
    ['[a]\nb=1 \\\n# why\n; why\n  2\nc=3\n', ['2 a b=1    2', '6 a c=3']],
    ['[a]\nb=1\\', []],
    ['[a]\nnoise\n=1\n', []],
  ])('%j', (text, expected) => {
    expect(
      iniLines(text).map(({ section, key, value, line }) => `${line} ${section} ${key}=${value}`),
    ).toEqual(expected)
  })
})

test('the last value counts', () => {
  const sections = parseIni('[a]\nb=1\nb=2\n')
  expect(iniValue(sections, 'a', 'b')).toBe('2')
  expect(iniValue(sections, 'a', 'c')).toBeUndefined()
  expect(iniValue(sections, 'x', 'b')).toBeUndefined()
})
