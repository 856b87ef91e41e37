/** Inputs: recorded texts with damage done to them, and what makes naive parsers fall. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'

const FIXTURES = fileURLToPath(new URL('../../fixtures', import.meta.url))

/** One recorded file below test/fixtures. */
export function fixture(path: string): string {
  return readFileSync(`${FIXTURES}/${path}`, 'utf8')
}

/** A file of every ethtool version that has it. */
export function ofEveryEthtool(file: string): string[] {
  return readdirSync(`${FIXTURES}/ethtool`).flatMap((version) => {
    const names = readdirSync(`${FIXTURES}/ethtool/${version}`)
    return names.includes(file) ? [fixture(`ethtool/${version}/${file}`)] : []
  })
}

const HOSTILE = [
  ...[
    '',
    ' ',
    '\t',
    '\n',
    '\r\n',
    '\r',
    '\0',
    '\\',
    '\\\n',
    '\u2028',
    '\u00a0',
    '\ufeff',
    '\u202e',
    '\ud800',
  ],
  ...[
    ':',
    '=',
    ',',
    ';',
    '"',
    "'",
    '"""',
    '<',
    '>',
    '/',
    '/>',
    '[',
    ']',
    '[[',
    '{',
    '}',
    '(',
    ')',
    '#',
    '!',
    '&',
    '|',
    '-',
    '.',
  ],
  ...[
    '0',
    '1',
    '00',
    '-1',
    '+1',
    '1.5',
    '1e3',
    '0x10',
    '0b1',
    '8192',
    '65536',
    '4294967296',
    '99999999999999999999',
    '\u0663',
    'Infinity',
    'NaN',
  ],
  ...[
    'null',
    'true',
    '{}',
    '[]',
    '""',
    '__proto__',
    'constructor',
    'toString',
    'n/a',
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
    '<?',
    '&lt;',
    '&#0;',
    'é',
    '😀',
  ],
]

/** A piece that is put somewhere: hostile, taken from the recorded text, or noise. */
function piece(base: string): fc.Arbitrary<string> {
  const taken = fc
    .tuple(fc.nat(base.length), fc.integer({ min: 1, max: 60 }))
    .map(([at, length]) => base.slice(at, at + length))
  const lines = base.split('\n')
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...HOSTILE) },
    { weight: 2, arbitrary: taken },
    { weight: 2, arbitrary: fc.constantFrom(...lines).map((line) => `\n${line}\n`) },
    { weight: 1, arbitrary: fc.string({ maxLength: 8, unit: 'binary' }) },
    { weight: 1, arbitrary: fc.nat().map(String) },
  )
}

/**
 * Recorded texts with up to eight places replaced: nothing (an insertion), a few characters, or all up to the end of
 * the text. Without any damage, too. Long texts are cut to a window first: then more of the damage hits what matters.
 */
export function damaged(...recorded: readonly string[]): fc.Arbitrary<string> {
  const one = (base: string): fc.Arbitrary<string> =>
    fc
      .array(
        fc.record({
          at: fc.nat(base.length),
          removes: fc.oneof(
            { weight: 8, arbitrary: fc.nat(12) },
            { weight: 1, arbitrary: fc.nat(base.length) },
          ),
          piece: piece(base),
        }),
        { maxLength: 8 },
      )
      .map((edits) =>
        edits.reduce(
          (text, edit) => text.slice(0, edit.at) + edit.piece + text.slice(edit.at + edit.removes),
          base,
        ),
      )
  return fc.oneof(
    { weight: 12, arbitrary: fc.oneof(...recorded.map(one)) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
  )
}

type Json = Record<string | number, unknown>

/** Every place in a JSON value: the object or array, and the key in it. */
function placesIn(value: unknown): { holder: Json; key: string | number }[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.keys(value).flatMap((key) => [
    { holder: value as Json, key },
    ...placesIn((value as Json)[key]),
  ])
}

/** JSON of a value in which up to three places hold something else or are gone. */
export function alteredJson(value: object): fc.Arbitrary<string> {
  const other = fc.oneof(
    fc.constantFrom(
      undefined,
      null,
      0,
      -1,
      0.5,
      1e300,
      '',
      'x',
      '0-3',
      '5-',
      true,
      false,
      [],
      {},
      [null],
      [{}],
    ),
    fc.jsonValue({ maxDepth: 2 }),
  )
  return fc.array(fc.tuple(fc.nat(1_000), other), { maxLength: 3 }).map((changes) => {
    const copy = structuredClone(value)
    for (const [which, put] of changes) {
      const places = placesIn(copy)
      const place = places[which % places.length]
      if (place !== undefined) place.holder[place.key] = structuredClone(put)
    }
    return JSON.stringify(copy)
  })
}

/** Every number that is written in a text in digits: what a parser may find there. */
export function numbersIn(text: string): ReadonlySet<number> {
  return new Set((text.match(/\d+/g) ?? []).map(Number))
}

/** A word without blanks and without what separates fields. */
export const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,14}$/)

/** Ascending, without repetition. */
export const cpuList = fc
  .uniqueArray(fc.integer({ min: 0, max: 400 }), { maxLength: 70 })
  .map((cpus) => cpus.sort((a, b) => a - b))

export const count = fc.nat(Number.MAX_SAFE_INTEGER)

export const mac = fc
  .array(fc.integer({ min: 0, max: 255 }), { minLength: 6, maxLength: 6 })
  .map((bytes) => bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':'))
