/**
 * qemu.conf as libvirt reads it (virconf.c): `name = value` lines, values being numbers, quoted strings,
 * triple-quoted strings over several lines, and [lists]. Edits change one value; comments and all else stay.
 */
import { VqtuneError } from '../../errors'

/** One assignment that is in force, with the place of its value. */
export interface ConfAssignment {
  readonly key: string
  /** As written. */
  readonly rawValue: string
  readonly valueStart: number
  readonly valueEnd: number
  /** Counted from 1. */
  readonly line: number
}

/** @throws VqtuneError kind config naming file and line. */
export function scanConf(conf: string, file: string): readonly ConfAssignment[] {
  const assignments: ConfAssignment[] = []
  const lineAt = lineCounter(conf)
  let at = 0
  while (at < conf.length) {
    const blank = /[\s]*(?:#[^\n]*)?/y
    blank.lastIndex = at
    at += (blank.exec(conf) as RegExpExecArray)[0].length
    if (at >= conf.length) break
    if (conf[at] === '#' || conf[at] === '\n') continue
    const head = /([A-Za-z_]\w*)[ \t]*=[ \t]*/y
    head.lastIndex = at
    const match = head.exec(conf)
    const line = lineAt(at)
    if (match?.[1] === undefined) {
      throw new VqtuneError('config', `${file}:${line}: expected 'name = value' or a # comment`)
    }
    const valueStart = at + match[0].length
    const valueEnd = scanValue(conf, valueStart)
    const tail = /[ \t\r]*(?:#[^\n]*)?(?:\n|$)/y
    tail.lastIndex = valueEnd ?? 0
    const rest = valueEnd === undefined ? null : tail.exec(conf)
    if (valueEnd === undefined || rest === null) {
      throw new VqtuneError(
        'config',
        `${file}:${line}: ${match[1]}: the value is not a number, a quoted string or a [list]`,
      )
    }
    assignments.push({
      key: match[1],
      rawValue: conf.slice(valueStart, valueEnd),
      valueStart,
      valueEnd,
      line,
    })
    at = valueEnd + rest[0].length
  }
  return assignments
}

const VALUE_PATTERNS = [
  /"""(?:(?!""")[\s\S])*"""/y,
  /"[^"\n]*"/y,
  /'[^'\n]*'/y,
  /-?\d+/y,
  // Lists hold strings or numbers; a bracket inside a string does not end one. There is one way to read each character:
  // with two, a list that is not closed would take a time that doubles with each of its quotes.
  /\[(?:[^\]"'#]|"""(?:(?!""")[\s\S])*"""|"(?!"")[^"\n]*"|'[^'\n]*'|#[^\n]*\n)*\]/y,
] as const

function scanValue(conf: string, at: number): number | undefined {
  for (const pattern of VALUE_PATTERNS) {
    pattern.lastIndex = at
    const match = pattern.exec(conf)
    if (match !== null) return at + match[0].length
  }
  return undefined
}

/** The number that is in force, 0 when libvirt's default is. libvirt takes the first of several. */
export function readNumber(conf: string, key: string, file: string): number {
  const found = scanConf(conf, file).find((assignment) => assignment.key === key)
  if (found === undefined) return 0
  if (!/^\d+$/.test(found.rawValue)) {
    throw new VqtuneError(
      'config',
      `${file}:${found.line}: ${key} = ${found.rawValue}: expected a whole number, 0 or above`,
    )
  }
  return Number(found.rawValue)
}

/**
 * The text with `key = value`: in place where the key is set, else after its commented default, else at the end.
 * Repeated assignments all get the value, so that it does not matter which one a libvirt takes.
 */
export function withNumber(conf: string, key: string, value: number, file: string): string {
  const existing = scanConf(conf, file).filter((assignment) => assignment.key === key)
  if (existing.length > 0) {
    return existing.reduceRight(
      (text, { valueStart, valueEnd }) => text.slice(0, valueStart) + String(value) + text.slice(valueEnd),
      conf,
    )
  }
  const statement = `${key} = ${value}\n`
  const commented = commentedDefaultEnd(conf, key, file)
  if (commented !== undefined) {
    const separator = conf[commented - 1] === '\n' ? '' : '\n'
    return conf.slice(0, commented) + separator + statement + conf.slice(commented)
  }
  return conf === '' || conf.endsWith('\n') ? conf + statement : `${conf}\n${statement}`
}

/** Offset after the last line `#key = ...` that really is a comment and not part of a string. */
function commentedDefaultEnd(conf: string, key: string, file: string): number | undefined {
  const inside = scanConf(conf, file)
  const lines = [...conf.matchAll(new RegExp(`^#[ \\t]*${key}[ \\t]*=[^\\n]*(?:\\n|$)`, 'gm'))]
  return lines
    .filter(({ index }) => !inside.some(({ valueStart, valueEnd }) => index > valueStart && index < valueEnd))
    .map((match) => match.index + match[0].length)
    .at(-1)
}

/** Line numbers of ascending offsets, counted from 1. */
function lineCounter(text: string): (at: number) => number {
  let line = 1
  let next = text.indexOf('\n')
  return (at) => {
    for (; next !== -1 && next < at; next = text.indexOf('\n', next + 1)) line++
    return line
  }
}
