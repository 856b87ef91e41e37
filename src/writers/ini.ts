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

/** The last value of a key, or undefined. */
export function iniValue(sections: IniSections, section: string, key: string): string | undefined {
  return sections.get(section)?.findLast(([name]) => name === key)?.[1]
}
