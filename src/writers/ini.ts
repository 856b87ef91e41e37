/** The INI dialects of tuned, NetworkManager keyfiles and systemd units, as far as they agree. Pure. */

export type IniSections = ReadonlyMap<string, readonly (readonly [key: string, value: string])[]>

/**
 * Sections in order of first mention, their pairs in order, repeated keys kept. Lines that start with # or ; are
 * comments, a backslash at the end joins the next line (systemd), values are trimmed. Anything else is skipped.
 */
export function parseIni(text: string): IniSections {
  const sections = new Map<string, (readonly [string, string])[]>()
  let current: (readonly [string, string])[] | undefined
  for (const line of text.replace(/\\\r?\n/g, ' ').split(/\r?\n/)) {
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith(';')) continue
    const header = /^\[(.*)\]$/.exec(trimmed)?.[1]
    if (header !== undefined) {
      current = sections.get(header) ?? []
      sections.set(header, current)
      continue
    }
    const equals = trimmed.indexOf('=')
    if (equals > 0) current?.push([trimmed.slice(0, equals).trim(), trimmed.slice(equals + 1).trim()])
  }
  return sections
}

export interface IniLine {
  readonly section: string
  readonly key: string
  readonly value: string
  /** From 1; the first of those that a backslash joins. */
  readonly line: number
}

/** The same, in order and with lines. */
export function iniLines(text: string): readonly IniLine[] {
  const found: IniLine[] = []
  let section = ''
  let open: { line: number; text: string } | undefined
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const trimmed = raw.trim()
    // systemd allows comment lines between lines that are joined.
    if (trimmed.startsWith('#') || trimmed.startsWith(';')) continue
    const isJoined = raw.endsWith('\\')
    const part = isJoined ? raw.slice(0, -1) : raw
    open =
      open === undefined ? { line: index + 1, text: part } : { line: open.line, text: `${open.text} ${part}` }
    if (isJoined) continue
    const whole = open.text.trim()
    const { line } = open
    open = undefined
    const header = /^\[(.*)\]$/.exec(whole)?.[1]
    if (header !== undefined) section = header
    const equals = whole.indexOf('=')
    if (header !== undefined || equals < 1) continue
    found.push({ section, key: whole.slice(0, equals).trim(), value: whole.slice(equals + 1).trim(), line })
  }
  return found
}

/** The last value of a key, or undefined. */
export function iniValue(sections: IniSections, section: string, key: string): string | undefined {
  return sections.get(section)?.findLast(([name]) => name === key)?.[1]
}
