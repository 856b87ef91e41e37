/**
 * Finds the line of every key in a TOML text. smol-toml tells positions only in its own errors, and an administrator
 * wants the line of a value that is wrong, too. Works on text that smol-toml accepted: it only has to find its way,
 * not to judge.
 */
import { parse } from 'smol-toml'

export type KeyPath = readonly (string | number)[]

/** Lines, counted from 1, by key path. */
export class KeyLines {
  readonly #lines = new Map<string, number>()

  /** The first mention of a path counts: `a` of `a.b = 1` is on that line, too. */
  note(path: KeyPath, line: number): void {
    for (let length = path.length; length > 0; length--) {
      const key = JSON.stringify(path.slice(0, length))
      if (this.#lines.has(key)) return
      this.#lines.set(key, line)
    }
  }

  /** The line of a path, or of the nearest enclosing one that is written in the file; undefined for the root. */
  lineOf(path: KeyPath): number | undefined {
    for (let length = path.length; length > 0; length--) {
      const line = this.#lines.get(JSON.stringify(path.slice(0, length)))
      if (line !== undefined) return line
    }
    return undefined
  }

  /** Every path that was found. */
  paths(): KeyPath[] {
    return [...this.#lines.keys()].map((key) => JSON.parse(key) as KeyPath)
  }
}

/** @param text valid TOML (1.0 or 1.1). Text that is not gives lines that may be wrong, never an endless loop. */
export function locateKeys(text: string): KeyLines {
  return new Scanner(text).document()
}

/** Invariant: every loop advances #at or ends, whatever the text. */
class Scanner {
  readonly #text: string
  readonly #found = new KeyLines()
  /** Number of elements so far of each array of tables, by its path. */
  readonly #arrays = new Map<string, number>()
  #at = 0
  #line = 1

  constructor(text: string) {
    this.#text = text
  }

  document(): KeyLines {
    let table: KeyPath = []
    for (this.#skipVoid(); this.#at < this.#text.length; this.#skipVoid()) {
      if (this.#peek() === '[') table = this.#header()
      else this.#pair(table)
    }
    return this.#found
  }

  /** `[a.b]` or `[[a.b]]`. @returns the path of the table that the following pairs belong to. */
  #header(): KeyPath {
    const line = this.#line
    const isArray = this.#text.startsWith('[[', this.#at)
    this.#advance(isArray ? 2 : 1)
    const key = this.#key(']')
    this.#advance(isArray ? 2 : 1)
    const path: (string | number)[] = []
    for (const [position, part] of key.entries()) {
      path.push(part)
      const name = JSON.stringify(path)
      const count = this.#arrays.get(name)
      if (isArray && position === key.length - 1) {
        this.#arrays.set(name, (count ?? 0) + 1)
        path.push(count ?? 0)
      } else if (count !== undefined) path.push(count - 1)
    }
    this.#found.note(path, line)
    return path
  }

  /** `key = value`, at the top or within an inline table. */
  #pair(table: KeyPath): void {
    const line = this.#line
    const path = [...table, ...this.#key('=')]
    this.#advance(1)
    this.#found.note(path, line)
    this.#skipVoid()
    this.#value(path)
  }

  /** A dotted key up to, not including, the end character. */
  #key(end: ']' | '='): string[] {
    const start = this.#at
    while (this.#at < this.#text.length && this.#peek() !== end && this.#peek() !== '\n') {
      const quote = this.#peek()
      if (quote === '"' || quote === "'") this.#quoted(quote)
      else this.#advance(1)
    }
    return keyParts(this.#text.slice(start, this.#at))
  }

  #value(path: KeyPath): void {
    const first = this.#peek()
    if (first === '"' || first === "'") this.#string(first)
    else if (first === '[') this.#array(path)
    else if (first === '{') this.#inlineTable(path)
    else this.#scalar()
  }

  #scalar(): void {
    // A date and its time may be parted by a space: the only scalar with one.
    const isDateTime = /^\d{4}-\d\d-\d\d \d\d:/.test(this.#text.slice(this.#at, this.#at + 14))
    if (isDateTime) this.#advance(11)
    while (this.#at < this.#text.length && !/[\s,\]}#]/.test(this.#peek())) this.#advance(1)
  }

  #array(path: KeyPath): void {
    this.#advance(1)
    for (let index = 0; ; index++) {
      this.#skipVoid()
      if (this.#at >= this.#text.length || this.#peek() === ']') break
      const before = this.#at
      this.#found.note([...path, index], this.#line)
      this.#value([...path, index])
      this.#skipVoid()
      if (this.#peek() === ',' || this.#at === before) this.#advance(1)
    }
    this.#advance(1)
  }

  #inlineTable(path: KeyPath): void {
    this.#advance(1)
    for (;;) {
      this.#skipVoid()
      if (this.#at >= this.#text.length || this.#peek() === '}') break
      const before = this.#at
      this.#pair(path)
      this.#skipVoid()
      if (this.#peek() === ',' || this.#at === before) this.#advance(1)
    }
    this.#advance(1)
  }

  #string(quote: '"' | "'"): void {
    const fence = quote.repeat(3)
    if (!this.#text.startsWith(fence, this.#at)) {
      this.#quoted(quote)
      return
    }
    this.#advance(3)
    while (this.#at < this.#text.length && !this.#text.startsWith(fence, this.#at)) {
      this.#advance(quote === '"' && this.#peek() === '\\' ? 2 : 1)
    }
    this.#advance(3)
    // Up to two quotes may stand before the closing fence; they belong to the string.
    for (let extra = 0; extra < 2 && this.#peek() === quote; extra++) this.#advance(1)
  }

  /** A one-line string. */
  #quoted(quote: '"' | "'"): void {
    this.#advance(1)
    while (this.#at < this.#text.length && this.#peek() !== quote && this.#peek() !== '\n') {
      this.#advance(quote === '"' && this.#peek() === '\\' ? 2 : 1)
    }
    this.#advance(1)
  }

  /** White space, line ends, comments and the byte order mark. */
  #skipVoid(): void {
    while (this.#at < this.#text.length) {
      const character = this.#peek()
      if (character === '#') while (this.#at < this.#text.length && this.#peek() !== '\n') this.#advance(1)
      else if (/[ \t\r\n\ufeff]/.test(character)) this.#advance(1)
      else return
    }
  }

  #peek(): string {
    return this.#text.charAt(this.#at)
  }

  #advance(count: number): void {
    for (let i = 0; i < count && this.#at < this.#text.length; i++, this.#at++) {
      if (this.#peek() === '\n') this.#line++
    }
  }
}

/** The parts of a dotted key as written. Quoting has the rules of TOML, so TOML's own parser undoes it. */
function keyParts(written: string): string[] {
  if (!/["'.]/.test(written)) return [written.trim()]
  let value: unknown
  try {
    value = parse(`${written}=0`)
  } catch {
    return [written.trim()]
  }
  return keysDown(value)
}

/** The keys of one table in the other. */
function keysDown(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value)
    .slice(0, 1)
    .flatMap(([key, inner]) => [key, ...keysDown(inner)])
}
