import fc from 'fast-check'
import { parse, stringify } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import { type KeyPath, locateKeys } from '../../../src/config/locate'

/** Every table, array and leaf of a parsed document. */
function pathsOf(value: unknown, path: KeyPath = []): KeyPath[] {
  const here = path.length === 0 ? [] : [path]
  if (Array.isArray(value)) return [...here, ...value.flatMap((entry, i) => pathsOf(entry, [...path, i]))]
  if (typeof value !== 'object' || value === null || value instanceof Date) return here
  return [...here, ...Object.entries(value).flatMap(([key, entry]) => pathsOf(entry, [...path, key]))]
}

const sorted = (paths: readonly KeyPath[]) => paths.map((path) => JSON.stringify(path)).sort()

const DOCUMENT = `# comment with [brackets] and "quotes"
top = 1
a.b."c.d" = """
one "" two \\""" = 5
[not.a.table]
""""
'lit' = '''
x = 1''''
[table] # [not]
when = 1979-05-27 07:32:00.999
list = [ 1, # first = 1
  { x = "]", y.z = '}' },
  [2, 3],
]
inline = { p = { q = "#" }, r = [1] }
[[nic]]
cap = 1
[nic.match]
name = "\\"["
[[nic]]
[nic.match]
name = "b"
[[nic.sub]]
v = 1
[[nic.sub]]
v = 2
`

describe('locateKeys', () => {
  test.each<[KeyPath, number]>([
    [['top'], 2],
    [['a', 'b', 'c.d'], 3],
    [['lit'], 7],
    [['table'], 9],
    [['table', 'when'], 10],
    [['table', 'list', 0], 11],
    [['table', 'list', 1, 'y', 'z'], 12],
    [['table', 'list', 2, 1], 13],
    [['table', 'inline', 'p', 'q'], 15],
    [['nic', 0, 'cap'], 17],
    [['nic', 0, 'match', 'name'], 19],
    [['nic', 1], 20],
    [['nic', 1, 'match', 'name'], 22],
    [['nic', 1, 'sub', 1, 'v'], 26],
  ])('%j is on line %d', (path, line) => {
    expect(locateKeys(DOCUMENT).lineOf(path)).toBe(line)
  })

  test('finds exactly the keys that the parser finds', () => {
    expect(sorted(locateKeys(DOCUMENT).paths())).toEqual(sorted(pathsOf(parse(DOCUMENT))))
  })

  test('an absent key has the line of its table, the root none', () => {
    expect(locateKeys(DOCUMENT).lineOf(['table', 'absent', 'deep'])).toBe(9)
    expect(locateKeys(DOCUMENT).lineOf(['absent'])).toBeUndefined()
  })

  test('a key of more parts than calls can be nested: in a table, a pair and a table in a line', () => {
    const deep = (part: string) => Array(100_000).fill(part).join('.')
    const lines = locateKeys(
      `${deep('a')} = 0\n[${deep('"b"')}]\n[[${deep('c')}]]\nd = { ${deep('d')} = 0 }\n`,
    )
    const path = (part: string) => Array<string>(100_000).fill(part)
    expect(lines.lineOf(path('a'))).toBe(1)
    expect(lines.lineOf(path('b'))).toBe(2)
    expect(lines.lineOf([...path('c'), 0, 'd', ...path('d')])).toBe(4)
  })

  test.each([
    ['a key that is none', '\n"a" "b" = 1', ['"a" "b"'], 2],
    ['a table in the place of a key', 'x = {\n[a."b"]# = 1}', ['x', 'a', 'b'], 2],
  ])('goes on after %s', (_, text, path, line) => {
    expect(() => parse(text)).toThrow()
    expect(locateKeys(text).lineOf(path)).toBe(line)
  })

  const key = fc.oneof(
    fc.constantFrom('a', 'b', 'nic'),
    fc.string({ minLength: 1, maxLength: 4, unit: 'grapheme' }),
  )
  const { document } = fc.letrec((tie) => ({
    leaf: fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 8 }),
      fc.constantFrom('"""', "'''", '[x]', '# = {', 'a\nb = 1\n'),
      fc.integer(),
      fc.boolean(),
      fc.double({ noNaN: true }),
    ),
    value: fc.oneof({ maxDepth: 4 }, tie('leaf'), fc.array(tie('value'), { maxLength: 3 }), tie('document')),
    document: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  }))

  test('finds exactly the keys of any document that the library writes', () => {
    fc.assert(
      fc.property(document, (value) => {
        const text = stringify(value as Record<string, never>)
        expect(sorted(locateKeys(text).paths())).toEqual(sorted(pathsOf(parse(text))))
      }),
    )
  })

  test('each key is on the line on which it was written, whatever stands between', () => {
    const filler = fc.constantFrom(
      '',
      '# x = 1',
      'F = """\n[[nic]]\ncap = 1\n"""',
      "F = '''\n\"\"\"\n'''",
      'F = [\n1,\n # ]\n2]',
    )
    const written = fc.constantFrom('cap = 1', 'match.name = "x"', '"cap" = 1', 'match = { name = "{" }')
    fc.assert(
      fc.property(fc.array(fc.tuple(filler, written), { maxLength: 6 }), (rules) => {
        const lines: string[] = []
        const expected: [KeyPath, number][] = []
        for (const [index, [between, pair]] of rules.entries()) {
          lines.push('[[nic]]', ...between.replace('F', `f${index}`).split('\n'))
          lines.push(pair)
          const path = ['nic', index, pair.includes('cap') ? 'cap' : 'match']
          expected.push([pair.includes('cap') ? path : [...path, 'name'], lines.length])
        }
        const text = lines.join('\n')
        parse(text)
        const found = locateKeys(text)
        for (const [path, line] of expected) expect(found.lineOf(path)).toBe(line)
      }),
    )
  })

  test('ends on any text', () => {
    const pieces = fc.constantFrom(
      '[',
      ']',
      '{',
      '}',
      '"',
      "'",
      '"""',
      '=',
      '.',
      ',',
      '\n',
      '\\',
      '#',
      'a',
      ' ',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
        const text = parts.join('')
        for (const path of locateKeys(text).paths()) {
          expect(locateKeys(text).lineOf(path)).toBeLessThanOrEqual(text.split('\n').length)
        }
      }),
      { numRuns: 1_000 },
    )
  })
})
