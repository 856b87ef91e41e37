/** The drop-in that `vqtune config set` writes: its keys, its text. Pure. Loads the grammar. */
import { nearest } from '../text/nearest'
import { type Fragment, grammarKeys, keysKnownAt } from './grammar'

/** After files that people name 50-..., before those that are to win in any case. */
export const OWN_DROP_IN = '70-set.toml'

const HEADER = `# Written by vqtune config set, which writes it anew each time: comments are lost. To undo: vqtune config unset KEY.
`

type Scalar = string | number | boolean
type Table = Readonly<Record<string, unknown>>

/** Where a key is in a file. */
export interface KeyPlace {
  /** Of the table; undefined: at the top of the file, or, with `mac`, in the rule for that NIC. */
  readonly table: string | undefined
  readonly key: string
  /** Permanent MAC of the NIC that it is for. */
  readonly mac: string | undefined
}

const RULE = 'nic[].'
const MATCH = 'nic[].match.'

/** The keys of `config set`, as it takes them: of a NIC's rule, or `table.key` and those at the top. */
export function settableKeys(isForNic: boolean): readonly string[] {
  const keys = grammarKeys()
  return isForNic
    ? keys.flatMap((key) => (key.startsWith(RULE) && !key.startsWith(MATCH) ? [key.slice(RULE.length)] : []))
    : keys.filter((key) => !key.startsWith(RULE))
}

/**
 * Takes `cap` for `defaults.cap`. @param mac of the NIC that it is to be for
 * @returns the place, or what is wrong with the key
 */
export function placeOf(name: string, mac?: string): KeyPlace | { readonly problem: string } {
  const known = settableKeys(mac !== undefined)
  const full = [name, `defaults.${name}`].find((key) => known.includes(key))
  if (full === undefined) {
    const meant = nearest(name, known)
    const hint = meant === undefined ? `allowed are ${known.join(', ')}` : `did you mean ${meant}?`
    return { problem: `unknown key${mac === undefined ? '' : ' for one NIC'}, ${hint}` }
  }
  const dot = full.indexOf('.')
  return { table: dot === -1 ? undefined : full.slice(0, dot), key: full.slice(dot + 1), mac }
}

/** As TOML has it: a number, true or false; anything else is a string, with or without quotes. */
export function scalarOf(text: string): Scalar {
  if (/^(?:true|false)$/.test(text)) return text === 'true'
  if (/^-?\d{1,15}$/.test(text)) return Number(text)
  return /^(["']).*\1$/s.test(text) ? text.slice(1, -1) : text
}

/** The file with one key set, or without it (undefined). Tables and rules that are left empty go, too. */
export function withKey(fragment: Fragment, { table, key, mac }: KeyPlace, value: Scalar | undefined): Table {
  const all = fragment as Table
  if (mac !== undefined) {
    const rules = (fragment.nic ?? []) as readonly Table[]
    const isOwn = (rule: Table): boolean => JSON.stringify(rule.match) === JSON.stringify({ mac })
    const own = rules.find(isOwn) ?? { match: { mac } }
    const changed = withValue(own, key, value)
    const others = rules.map((rule) => (rule === own ? changed : rule))
    const nic = (rules.includes(own) ? others : [...rules, changed]).filter((rule) =>
      Object.keys(rule).some((name) => name !== 'match'),
    )
    return withValue(all, 'nic', nic.length === 0 ? undefined : nic)
  }
  if (table === undefined) return withValue(all, key, value)
  const changed = withValue((all[table] ?? {}) as Table, key, value)
  return withValue(all, table, Object.keys(changed).length === 0 ? undefined : changed)
}

function withValue(table: Table, key: string, value: unknown): Table {
  if (value !== undefined) return { ...table, [key]: value }
  const { [key]: _, ...rest } = table
  return rest
}

/** In the order of the grammar, so that a change of one key is a difference of its line. Undefined when nothing is left to write. */
export function dropInTextOf(document: Table): string | undefined {
  const isTable = (value: unknown): value is Table => typeof value === 'object' && !Array.isArray(value)
  const entries = ordered(document, [])
  if (entries.length === 0) return undefined
  const top = entries.filter(([, value]) => typeof value !== 'object')
  const tables = entries.flatMap(([name, value]) =>
    isTable(value) ? [section(`[${name}]`, ordered(value, [name]))] : [],
  )
  const rules = ((document.nic ?? []) as readonly Table[]).map((rule) =>
    section('[[nic]]', ordered(rule, ['nic', 0])),
  )
  return [HEADER, ...(top.length === 0 ? [] : ['\n', ...lines(top)]), ...tables, ...rules].join('')
}

type Entry = readonly [string, unknown]

function ordered(table: Table, path: readonly (string | number)[]): readonly Entry[] {
  const known = keysKnownAt(path)
  return Object.entries(table).sort(([a], [b]) => known.indexOf(a) - known.indexOf(b))
}

function section(header: string, entries: readonly Entry[]): string {
  return `\n${header}\n${lines(entries).join('')}`
}

function lines(entries: readonly Entry[]): readonly string[] {
  return entries.map(([key, value]) => `${key} = ${inToml(value)}\n`)
}

/** JSON's strings are TOML's basic strings, but for DEL. */
function inToml(value: unknown): string {
  if (typeof value !== 'object') return JSON.stringify(value).replaceAll('\x7f', '\\u007f')
  const inner = Object.entries(value as Table).map(([key, part]) => `${key} = ${inToml(part)}`)
  return `{ ${inner.join(', ')} }`
}
