/** Shell text as tokens: enough of sh and bash to see what a script calls and writes. Runs nothing. Pure. */

export type Part =
  | { readonly literal: string; readonly quoted: boolean }
  | { readonly variable: string; readonly quoted: boolean; readonly otherwise?: string }
  /** A command substitution: its text, which is not run, or arithmetic. */
  | { readonly substitution: string; readonly quoted: boolean }

export type Token =
  | { readonly kind: 'word'; readonly line: number; readonly parts: readonly Part[] }
  /** `>` and its kin, before the word that they write to; `<` reads, and its word is dropped. */
  | { readonly kind: 'redirect'; readonly line: number; readonly writes: boolean }
  /** `;` `\n` `&&` `||` `|` `&` `(` `)` `;;` */
  | { readonly kind: 'operator'; readonly line: number; readonly text: string }

const OPERATORS = [';;&', ';;', ';&', '&&', '||', '|&', '|', '&', ';', '(', ')']
const REDIRECT = /^(?:\d?(?:>>|>\||>&|<<<|<<-|<<|<>|<&|>|<)|&>>|&>)/

class Lexer {
  private at = 0
  private line = 1
  private readonly tokens: Token[] = []
  private parts: Part[] = []
  private startLine = 1
  /** Delimiters of here-documents whose text begins with the next line. */
  private heredocs: string[] = []

  constructor(
    private readonly text: string,
    private readonly isPlain: boolean,
  ) {}

  run(): readonly Token[] {
    while (this.at < this.text.length) this.step()
    this.endWord()
    return this.tokens
  }

  private step(): void {
    const { text, at } = this
    const char = text[at] as string
    const rest = text.startsWith('\\\r\n', at) ? 3 : text.startsWith('\\\n', at) ? 2 : 0
    if (rest > 0) {
      this.line++
      this.at += rest
    } else if (char === '\r' && text[at + 1] === '\n') this.at++
    else if (char === '\n') this.newLine()
    else if (char === ' ' || char === '\t') {
      this.endWord()
      this.at++
    } else if (char === '#' && this.parts.length === 0 && !this.isPlain) this.skipComment()
    else if (!this.operator()) this.part(char)
  }

  private newLine(): void {
    this.endWord()
    this.tokens.push({ kind: 'operator', line: this.line, text: '\n' })
    this.line++
    this.at++
    for (const delimiter of this.heredocs.splice(0)) this.skipHeredoc(delimiter)
  }

  private skipComment(): void {
    const end = this.text.indexOf('\n', this.at)
    this.at = end === -1 ? this.text.length : end
  }

  private skipHeredoc(delimiter: string): void {
    while (this.at < this.text.length) {
      const end = this.text.indexOf('\n', this.at)
      const line = this.text.slice(this.at, end === -1 ? undefined : end)
      this.at = end === -1 ? this.text.length : end + 1
      this.line++
      if (line.trim() === delimiter) return
    }
  }

  /** @returns false if there is none here */
  private operator(): boolean {
    if (this.isPlain) return false
    const rest = this.text.slice(this.at, this.at + 4)
    const redirect = this.parts.length === 0 || !/^\d/.test(rest) ? REDIRECT.exec(rest)?.[0] : undefined
    if (redirect !== undefined) {
      this.endWord()
      this.at += redirect.length
      if (/^\d?<<-?$/.test(redirect)) this.heredoc()
      else this.tokens.push({ kind: 'redirect', line: this.line, writes: redirect.includes('>') })
      return true
    }
    const operator = OPERATORS.find((one) => rest.startsWith(one))
    if (operator === undefined) return false
    this.endWord()
    this.tokens.push({ kind: 'operator', line: this.line, text: operator })
    this.at += operator.length
    return true
  }

  private heredoc(): void {
    const found = /^[ \t]*(?:'([^'\n]*)'|"([^"\n]*)"|\\?([^\s;|&<>()]+))/.exec(
      this.text.slice(this.at, this.at + 200),
    )
    if (found === null) return
    this.at += found[0].length
    this.heredocs.push(found[1] ?? found[2] ?? (found[3] as string))
  }

  private part(char: string): void {
    if (this.parts.length === 0) this.startLine = this.line
    if (char === "'") this.singleQuoted()
    else if (char === '"') this.doubleQuoted()
    else if (char === '$' || char === '`') this.expansion(false)
    else if (char === '\\') {
      this.add(this.text[this.at + 1] ?? '', true)
      this.at += 2
    } else {
      this.add(char, false)
      this.at++
    }
  }

  private singleQuoted(): void {
    const end = this.text.indexOf("'", this.at + 1)
    const text = this.text.slice(this.at + 1, end === -1 ? undefined : end)
    this.count(text)
    this.add(text, true)
    this.at = end === -1 ? this.text.length : end + 1
  }

  private doubleQuoted(): void {
    this.add('', true)
    this.at++
    while (this.at < this.text.length && this.text[this.at] !== '"') {
      const char = this.text[this.at] as string
      if (char === '$' || char === '`') this.expansion(true)
      else if (char === '\\' && '$`"\\\n'.includes(this.text[this.at + 1] ?? ' ')) {
        const next = this.text[this.at + 1] as string
        if (next === '\n') this.line++
        else this.add(next, true)
        this.at += 2
      } else {
        this.count(char)
        this.add(char, true)
        this.at++
      }
    }
    this.at++
  }

  private expansion(quoted: boolean): void {
    const rest = this.text.slice(this.at)
    const plain = /^\$(\w+|[@*#?$!-])/.exec(rest.slice(0, 100))
    const name = plain === null ? undefined : /^\d/.test(plain[1] as string) ? plain[1]?.[0] : plain[1]
    if (name !== undefined) {
      this.parts.push({ variable: name, quoted })
      this.at += 1 + name.length
      return
    }
    const [open, close] = rest.startsWith('${') ? ['{', '}'] : rest.startsWith('$(') ? ['(', ')'] : ['', '`']
    if (open === '' && rest[0] !== '`') {
      this.add('$', quoted)
      this.at++
      return
    }
    const from = open === '' ? 1 : 2
    const inner = rest.slice(from, endOf(rest, from, open, close))
    this.count(inner)
    this.at += Math.min(rest.length, from + inner.length + 1)
    const braced = open === '{' ? /^(\w+|[@*])(?::?-([^$`]*))?$/.exec(inner) : null
    if (braced === null) this.parts.push({ substitution: open === '{' ? '' : inner, quoted })
    else {
      const otherwise = braced[2] === undefined ? {} : { otherwise: braced[2].replace(/["']/g, '') }
      this.parts.push({ variable: braced[1] as string, quoted, ...otherwise })
    }
  }

  private count(text: string): void {
    this.line += text.split('\n').length - 1
  }

  private add(literal: string, quoted: boolean): void {
    const last = this.parts.at(-1)
    if (last !== undefined && 'literal' in last && last.quoted === quoted)
      this.parts[this.parts.length - 1] = { literal: last.literal + literal, quoted }
    else this.parts.push({ literal, quoted })
  }

  private endWord(): void {
    if (this.parts.length === 0) return
    this.tokens.push({ kind: 'word', line: this.startLine, parts: this.parts })
    this.parts = []
  }
}

/** Where a bracket that was opened before `from` closes; quotes inside it are respected. */
function endOf(text: string, from: number, open: string, close: string): number {
  let depth = 1
  let quote = ''
  for (let at = from; at < text.length; at++) {
    const char = text[at] as string
    if (char === '\\') at++
    else if (quote !== '') quote = char === quote ? '' : quote
    else if (char === "'" || char === '"') quote = char
    else if (char === close) {
      depth--
      if (depth === 0) return at
    } else if (char === open) depth++
  }
  return text.length
}

/** @param isPlain of one command without a shell, as in units and udev rules: no operators, no comments */
export function lexShell(text: string, isPlain = false): readonly Token[] {
  return new Lexer(text, isPlain).run()
}
