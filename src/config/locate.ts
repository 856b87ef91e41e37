/**
 * Finds the line of every key in a TOML text. smol-toml reports positions only in its own errors, but an administrator
 * also needs the line of an invalid value. Works on text that smol-toml has accepted, so it locates and does not
 * validate.
 */
import { parse } from 'smol-toml'

export type KeyPath = readonly (string | number)[]

/** Lines, counted from 1, by key path. */
export class KeyLines {
  readonly #root: Place

  constructor(root: Place) {
    this.#root = root
  }

  /** The line of a path, or of the nearest enclosing one that is written in the file; undefined for the root. */
  lineOf(path: KeyPath): number | undefined {
    let line: number | undefined
    let place: Place | undefined = this.#root
    for (const part of path) {
      place = place.below.get(part)
      if (place === undefined) break
      line = place.line
    }
    return line
  }

  /** Every path that was found. */
  paths(): KeyPath[] {
    const found: KeyPath[] = []
    const left: [KeyPath, Place][] = [[[], this.#root]]
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const [path, place] = next
      for (const [part, inner] of place.below) {
        found.push([...path, part])
        left.push([[...path, part], inner])
      }
    }
    return found
  }
}

/**
 * A key, an element of an array, or the root. The scanner passes places on, not paths: a key may have any number of parts,
 * and spelling them out for every key below it would take quadratic time and memory.
 */
class Place {
  readonly below = new Map<string | number, Place>()
  /** Number of elements so far, of an array of tables. */
  elements: number | undefined

  constructor(readonly line: number) {}

  /** The first mention counts: `a` of `a.b = 1` is on that line too. */
  at(part: string | number, line: number): Place {
    const known = this.below.get(part)
    if (known !== undefined) return known
    const place = new Place(line)
    this.below.set(part, place)
    return place
  }
}

/** @param text valid TOML (1.0 or 1.1). Other text may give wrong lines, but never an endless loop. */
export function locateKeys(text: string): KeyLines {
  return new Scanner(text).document()
}

/** Invariant: every loop advances #at or ends, whatever the text. */
class Scanner {
  readonly #text: string
  readonly #root = new Place(0)
  #at = 0
  #line = 1

  constructor(text: string) {
    this.#text = text
  }

  document(): KeyLines {
    let table = this.#root
    for (this.#skipVoid(); this.#at < this.#text.length; this.#skipVoid()) {
      if (this.#peek() === '[') table = this.#header()
      else this.#pair(table)
    }
    return new KeyLines(this.#root)
  }

  /** `[a.b]` or `[[a.b]]`. @returns the table that the following pairs belong to. */
  #header(): Place {
    const line = this.#line
    const isArray = this.#text.startsWith('[[', this.#at)
    this.#advance(isArray ? 2 : 1)
    const key = this.#key(']')
    this.#advance(isArray ? 2 : 1)
    let place = this.#root
    for (const [position, part] of key.entries()) {
      place = place.at(part, line)
      if (isArray && position === key.length - 1) place.elements = (place.elements ?? 0) + 1
      // For an array of tables the last element is meant.
      if (place.elements !== undefined) place = place.at(place.elements - 1, line)
    }
    return place
  }

  /** `key = value`, at the top or within an inline table. */
  #pair(table: Place): void {
    const line = this.#line
    const place = this.#key('=').reduce((at, part) => at.at(part, line), table)
    this.#advance(1)
    this.#skipVoid()
    this.#value(place)
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

  #value(place: Place): void {
    const first = this.#peek()
    if (first === '"' || first === "'") this.#string(first)
    else if (first === '[') this.#array(place)
    else if (first === '{') this.#inlineTable(place)
    else this.#scalar()
  }

  #scalar(): void {
    // A date and its time may be separated by a space: the only such scalar.
    const isDateTime = /^\d{4}-\d\d-\d\d \d\d:/.test(this.#text.slice(this.#at, this.#at + 14))
    if (isDateTime) this.#advance(11)
    while (this.#at < this.#text.length && !/[\s,\]}#]/.test(this.#peek())) this.#advance(1)
  }

  #array(place: Place): void {
    this.#advance(1)
    for (let index = 0; ; index++) {
      this.#skipVoid()
      if (this.#at >= this.#text.length || this.#peek() === ']') break
      const before = this.#at
      this.#value(place.at(index, this.#line))
      this.#skipVoid()
      if (this.#peek() === ',' || this.#at === before) this.#advance(1)
    }
    this.#advance(1)
  }

  #inlineTable(table: Place): void {
    this.#advance(1)
    for (;;) {
      this.#skipVoid()
      if (this.#at >= this.#text.length || this.#peek() === '}') break
      const before = this.#at
      this.#pair(table)
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
    // Up to two quotes may precede the closing delimiter; they belong to the string.
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

/** The parts of a dotted key as written. The TOML parser removes the quoting. */
function keyParts(written: string): string[] {
  if (!/["'.]/.test(written)) return [written.trim()]
  let value: unknown
  try {
    value = parse(`${written}=0`)
  } catch {
    return [written.trim()]
  }
  const parts: string[] = []
  // No recursion: a key may have too many parts. A text that is not a key can leave an empty table.
  for (let inner = value; typeof inner === 'object' && inner !== null; ) {
    const [entry] = Object.entries(inner)
    if (entry === undefined) break
    parts.push(entry[0])
    inner = entry[1]
  }
  return parts
}
