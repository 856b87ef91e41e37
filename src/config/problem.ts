/** A problem of a configuration file, as one line. */

export interface Problem {
  readonly file: string
  /** Counted from 1; undefined: the whole file. */
  readonly line: number | undefined
  /** Key, value and what is allowed. */
  readonly text: string
}

/** `/etc/vqtune/vqtune.toml:12: nic[0].cap = 300: allowed is 1 to 256`, always one printable line. */
export function problemLine(problem: Problem): string {
  const place = problem.line === undefined ? problem.file : `${problem.file}:${problem.line}`
  return printable(`${place}: ${problem.text}`)
}

/** Replaces characters that end the line or control a terminal: files may contain anything. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '\ufffd')
}

/** `["nic", 0, "cap"]` -> `nic[0].cap`; keys that are not bare are quoted as in the file. */
export function dottedPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, position) => {
      if (typeof part === 'number') return `[${part}]`
      const key = shortened(
        /^[A-Za-z0-9_-]+$/.test(String(part)) ? String(part) : JSON.stringify(String(part)),
      )
      return position === 0 ? key : `.${key}`
    })
    .join('')
}

/** A value as in TOML, shortened. */
export function shownValue(value: unknown): string {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'a date' : value.toISOString()
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'a table'
  return shortened(typeof value === 'string' ? JSON.stringify(value) : String(value))
}

const MAX_SHOWN_LENGTH = 60

function shortened(text: string): string {
  const characters = [...text]
  return characters.length > MAX_SHOWN_LENGTH
    ? `${characters.slice(0, MAX_SHOWN_LENGTH - 3).join('')}...`
    : text
}
