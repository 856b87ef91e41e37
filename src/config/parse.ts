/** One configuration file: text -> fragment, or its problems. Loads smol-toml and zod/mini; see load.ts. */
import { parse, TomlError } from 'smol-toml'
import type * as z from 'zod/mini'
import { messageOf } from '../errors'
import { nearest } from '../text/nearest'
import { FRAGMENT, type Fragment, grammarKeys, keysKnownAt } from './grammar'
import { type KeyLines, type KeyPath, locateKeys } from './locate'
import { dottedPath, type Problem, shownValue } from './problem'

/** A checked file with the lines of its keys. */
export interface LocatedFragment {
  readonly file: string
  readonly fragment: Fragment
  readonly lines: KeyLines
}

export type ParsedFile =
  | { readonly ok: true; readonly located: LocatedFragment }
  /** In file order, at least one. */
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** Checks one file. Never throws, whatever the text. */
export async function parseFragment(file: string, text: string): Promise<ParsedFile> {
  let document: unknown
  try {
    document = parse(text, { maxDepth: 32 })
  } catch (error) {
    return { ok: false, problems: [syntaxProblem(file, error)] }
  }
  const lines = locateKeys(text)
  const checked = FRAGMENT.safeParse(document)
  // Without push(...): a file can have more mistakes than a call may have arguments.
  let found = dateFindings(document, [])
  if (!checked.success)
    found = found.concat(checked.error.issues.flatMap((issue) => issueFindings(issue, document)))
  else if (found.length === 0)
    found = [...combinationProblems(checked.data), ...(await cronProblems(checked.data))]
  if (checked.success && found.length === 0)
    return { ok: true, located: { file, fragment: checked.data, lines } }
  // Every problem is below some key, which has a line.
  const problems = found.map(({ path, text }) => ({ file, line: lines.lineOf(path) as number, text }))
  return { ok: false, problems: problems.sort((a, b) => a.line - b.line) }
}

interface Finding {
  readonly path: KeyPath
  readonly text: string
}

function syntaxProblem(file: string, error: unknown): Problem {
  if (!(error instanceof TomlError)) return { file, line: undefined, text: `not TOML: ${messageOf(error)}` }
  // The first line of the message is the problem; the rest shows the place.
  const reason = error.message.replace(/^Invalid TOML document: /, '').split('\n')[0]
  return { file, line: error.line, text: `not TOML: ${reason} (column ${error.column})` }
}

function issueFindings(issue: z.core.$ZodIssue, document: unknown): Finding[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], text: unknownKey(path, key) }))
  }
  return [
    {
      path,
      text: `${dottedPath(path)} = ${shownValue(valueAt(document, path))}: allowed is ${issue.message}`,
    },
  ]
}

/** Dates in place of tables: to the grammar, an object without keys is an empty table. */
function dateFindings(value: unknown, path: KeyPath): Finding[] {
  if (Array.isArray(value)) return value.flatMap((part, index) => dateFindings(part, [...path, index]))
  // Unknown keys are reported as such; they may have any number of parts, and are not followed.
  if (typeof value !== 'object' || value === null || keysKnownAt(path).length === 0) return []
  if (value instanceof Date)
    return [{ path, text: `${dottedPath(path)} = ${shownValue(value)}: allowed is a table` }]
  return Object.entries(value).flatMap(([key, part]) => dateFindings(part, [...path, key]))
}

function unknownKey(path: KeyPath, key: string): string {
  const known = keysKnownAt(path)
  const start = `${dottedPath([...path, key])}: unknown key`
  const meant = nearest(key, known)
  if (meant !== undefined) return `${start}, did you mean ${meant}?`
  const elsewhere = grammarKeys().filter((known) => known.split('.').at(-1) === key)
  const homes = elsewhere.map((known) => {
    const home = known.split('.').slice(0, -1).join('.')
    return home === ''
      ? 'the top, before any table'
      : home === 'nic[]'
        ? '[[nic]]'
        : `[${home.replace('[]', '')}]`
  })
  if (homes.length > 0) return `${start} here; it belongs in ${homes.join(' or ')}`
  return `${start}, allowed here are ${known.join(', ')}`
}

function valueAt(document: unknown, path: KeyPath): unknown {
  // All keys are optional, so the invalid value exists.
  return path.reduce((value, part) => (value as Record<string | number, unknown>)[part], document)
}

/** Values that are valid alone but not together. */
function combinationProblems(fragment: Fragment): Finding[] {
  const rules = fragment.nic ?? []
  const tables = [
    ...(fragment.defaults === undefined ? [] : [{ path: ['defaults'], table: fragment.defaults }]),
    ...rules.map((table, index) => ({ path: ['nic', index], table })),
  ]
  const found: Finding[] = []
  for (const { path, table } of tables) {
    const { cap, channels } = table
    if (typeof cap === 'number' && typeof channels === 'number' && channels > cap) {
      const text = `${dottedPath(path)}: channels = ${channels} is more than cap = ${cap}: allowed is up to the cap`
      found.push({ path: [...path, 'channels'], text })
    }
  }
  const seen = new Map<string, number>()
  for (const [index, rule] of rules.entries()) {
    const path = ['nic', index]
    if (rule.match === undefined || Object.values(rule.match).every((value) => value === undefined)) {
      const text = `${dottedPath(path)}: match is missing: it takes one or more of ${keysKnownAt(['nic', 0, 'match']).join(', ')}; for every NIC use [defaults]`
      found.push({ path: rule.match === undefined ? path : [...path, 'match'], text })
      continue
    }
    const key = Object.entries(rule.match)
      .map(([name, glob]) => JSON.stringify([name, glob]))
      .sort()
      .join()
    const earlier = seen.get(key)
    if (earlier === undefined) seen.set(key, index)
    else {
      const text = `${dottedPath([...path, 'match'])}: nic[${earlier}] has the same match: allowed is one [[nic]] for it in a file`
      found.push({ path: [...path, 'match'], text })
    }
  }
  return found
}

async function cronProblems(fragment: Fragment): Promise<Finding[]> {
  const keys = (['report-cron', 'check-cron'] as const).filter((key) => fragment.daemon?.[key] !== undefined)
  if (keys.length === 0) return []
  const { validate } = await import('node-cron')
  return keys.flatMap((key) => {
    const value = fragment.daemon?.[key] as string
    if (isCron(value, validate) || (key === 'report-cron' && value === 'none')) return []
    const allowed = `a cron expression, such as "*/5 * * * *"${key === 'report-cron' ? ', or "none"' : ''}`
    const path = ['daemon', key]
    return [{ path, text: `${dottedPath(path)} = ${shownValue(value)}: allowed is ${allowed}` }]
  })
}

function isCron(value: string, validate: (expression: string) => boolean): boolean {
  // node-cron expands a range before it checks its ends: 0-99999999 would take all memory.
  if (/\d{3}/.test(value)) return false
  try {
    return validate(value)
  } catch {
    return false
  }
}
