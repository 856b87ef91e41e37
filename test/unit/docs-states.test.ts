/** docs/states.md against the code: every code and function it names exists, and every code of the program is in it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { DRIFT_ACTIONS } from '../../src/drift/history'

const page = readFileSync('docs/states.md', 'utf8')

/** The text below a heading, up to the next one of any level. */
function below(heading: string): string {
  const text = page.split(/^#{2,3} /m).find((part) => part.startsWith(`${heading}\n`))
  if (text === undefined) throw new Error(`no heading ${heading}`)
  return text
}

/** Rows of the tables below a heading, cell by cell. */
const rowsBelow = (heading: string): string[][] =>
  [...below(heading).matchAll(/^\| (?!-|From|State|Reason|Action)(.*) \|$/gm)].map(([, row = '']) =>
    row.split(' | ').map((cell) => cell.trim()),
  )

const codesIn = (text: string): string[] => [...text.matchAll(/`([\w-]+)`/g)].map(([, code = '']) => code)

const source = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(`src/${name}`, 'utf8'))
  .join('\n')

/**
 * The texts of a union or of a list of the program, wherever it is declared: `type SkipCode = 'a' | Other | 'b'` or
 * `const SKIP_CODES = ['a', ...OTHERS] as const`. Named unions and lists in it count with theirs.
 */
function members(name: string): string[] {
  const asList = `${name.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase()}S`
  const union = new RegExp(
    `\\btype ${name} =([\\s\\S]*?)(?:\\n\\n|\\n(?:export|interface|const|function)\\b)`,
  )
  const list = new RegExp(`\\bconst (?:${name}|${asList})\\b[^=]*=\\s*\\[([\\s\\S]*?)\\]`)
  const body = (union.exec(source) ?? list.exec(source))?.[1]?.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
  if (body === undefined) throw new Error(`${name}: no such union or list in src/`)
  const texts = [...body.matchAll(/'([^']+)'/g)].map(([, text = '']) => text)
  const others = body.replace(/'[^']*'/g, '').match(/\b[A-Z]\w{4,}\b/g) ?? []
  return [...texts, ...others.flatMap((other) => members(other))]
}

const sorted = (texts: Iterable<string>): string[] => [...new Set(texts)].sort()

test('unions and lists are found in the source', () => {
  expect(members('DRIFT_ACTIONS')).toEqual([...DRIFT_ACTIONS])
  expect(members('ConflictPolicy')).toEqual(['reassert', 'yield', 'report'])
  expect(() => members('NoSuchUnion')).toThrow('no such union')
})

describe('states', () => {
  const states = rowsBelow('States of a NIC')

  test('have the words of the column STATE, and all reason codes of the program are in the two tables', () => {
    expect(sorted(states.flatMap(([, , state = '']) => codesIn(state)))).toEqual(sorted(members('NicState')))
    const reasons = [
      ...states.flatMap(([, , , reason = '']) => codesIn(reason)),
      ...rowsBelow('Obstacles').flatMap(([reason = '']) => codesIn(reason)),
    ]
    expect(sorted(reasons)).toEqual(sorted(members('SkipCode')))
  })

  test('are kept in fields that exist', () => {
    const fields = states.flatMap(([, , , , kept = '']) => codesIn(kept))
    expect(fields.length).toBeGreaterThan(5)
    expect(fields.filter((field) => !new RegExp(`\\b${field}\\b`).test(source))).toEqual([])
  })

  test('obstacles of the channels, and all limiting factors', () => {
    const channels = rowsBelow('Obstacles').filter(
      ([, setting]) => setting === 'channels' || setting === 'any',
    )
    expect(sorted(channels.flatMap(([reason = '']) => codesIn(reason)))).toEqual(
      sorted(members('ObstacleCode')),
    )
    const [sentence = ''] = /column LIMITED BY[\s\S]*?Decided/.exec(below('Limiting factors')) ?? []
    const named = codesIn(sentence).filter((code) => !code.startsWith('vqtune_'))
    expect(sorted(named)).toEqual(sorted(members('LimitingFactor')))
  })

  test('actions of the history', () => {
    const actions = rowsBelow('Actions in the drift history').flatMap(([action = '']) => codesIn(action))
    expect(sorted(actions)).toEqual(sorted([...DRIFT_ACTIONS, ...members('OWN_ACTIONS')]))
  })
})

describe('transitions', () => {
  const transitions = rowsBelow('Transitions')
  const states = ['any', 'as before', ...rowsBelow('States of a NIC').map(([state = '']) => state)]

  test('lead from and to states of the table, and each state is left and reached', () => {
    const ends = transitions.flatMap(([from = '', to = '']) => [...from.split(', '), to])
    expect(ends.filter((state) => !states.includes(state))).toEqual([])
    const reached = new Set(transitions.map(([, to]) => to))
    expect(states.slice(2).filter((state) => !reached.has(state))).toEqual([])
    const left = new Set(transitions.flatMap(([from = '']) => from.split(', ')))
    expect(states.slice(2).filter((state) => !left.has(state))).toEqual([])
  })

  test('are where the table says', () => {
    for (const [, , , where = ''] of transitions) {
      const [file = '', ...names] = [...where.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
      expect(existsSync(file), file).toBe(true)
      expect(names.length, where).toBeGreaterThan(0)
      const text = readFileSync(file, 'utf8')
      for (const name of names) expect(text, `${file}: ${name}`).toMatch(new RegExp(`\\b${name}[(<]`))
    }
  })

  test('name every verdict of a conflict, every end of a watch and every verdict of the guard', () => {
    const named = transitions.flatMap(([, , when = '']) => codesIn(when))
    const ends = members('WatchEnd')
    const verdicts = [...members('ConflictVerdict'), ...members('GuardVerdict'), ...ends, 'lost']
    expect(source).toMatch(/WatchEnd = \{ readonly lost:/)
    expect(sorted(verdicts).filter((verdict) => !named.includes(verdict))).toEqual([])
    expect(sorted(named).filter((name) => !verdicts.includes(name))).toEqual([])
  })
})

test('functions and files named in the text exist', () => {
  const pairs = [...page.matchAll(/`(src\/[\w/.-]+\.ts)`, `(\w+)`/g)]
  expect(pairs.length).toBeGreaterThan(1)
  for (const [, file = '', name = ''] of pairs) {
    expect(readFileSync(file, 'utf8'), `${file}: ${name}`).toMatch(new RegExp(`\\b${name}[(<]`))
  }
})
