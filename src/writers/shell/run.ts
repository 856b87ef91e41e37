/**
 * What a script runs, seen without running it: simple commands with the values that their words can have. Both branches of
 * an `if` are seen; a comparison of a variable with a text narrows it for what follows. What cannot be known stays
 * unresolved: nothing is guessed. Pure.
 */
import { lexShell, type Part, type Token } from './lex'

/** Stands in a text for what is not known. */
export const UNRESOLVED = '\u0001'

/** A word of a command: all texts that it can be. */
export interface Value {
  readonly texts: readonly string[]
  /** As an administrator would read it: resolved where there is one value, else as written. */
  readonly shown: string
}

export interface Command {
  readonly line: number
  readonly argv: readonly Value[]
  /** Files that its output goes to. */
  readonly writesTo: readonly Value[]
}

export type Bindings = ReadonlyMap<string, readonly string[]>

type Word = Extract<Token, { kind: 'word' }>
type Environment = Map<string, readonly string[]>

const MAX_TEXTS = 64
const MAX_COMMANDS = 20_000
const MAX_DEPTH = 6
const LEAVES = new Set(['exit', 'return', 'continue', 'break'])
const POSITIONS = ['1', '2', '3', '4', '5', '6', '7', '8', '9']
const SKIPPED_WORDS = new Set(['!', 'time', 'do'])

interface Frame {
  readonly kind: 'if' | 'case' | 'loop' | 'group'
  /** The environment of before, without what was narrowed inside. */
  readonly narrowed: [string, readonly string[] | undefined][]
  readonly wasDead: boolean
  /** Of `if`: tests that hold in the branch to come. */
  tests: Narrowing[] | undefined
  /** Of `case`. */
  readonly subject?: string | undefined
  /** Of `if`: what its condition compares, if it is one comparison. */
  condition?: Narrowing | undefined
  hasElse?: boolean
  /** The branch leaves the script, function or round for certain. */
  leaves?: boolean
  /** Of `case`: the patterns of this branch, and of those before that do not leave. */
  branch?: readonly string[] | undefined
  readonly staying: string[]
  /** Of `case`: whatever matches no other pattern leaves. */
  othersLeave?: boolean
}

interface Narrowing {
  readonly variable: string
  readonly texts: readonly string[]
  readonly isNegated: boolean
}

/** @param bindings variables that the caller sets; `*` is any name @param isPlain one command without a shell */
export function commandsOf(text: string, bindings: Bindings, isPlain = false): readonly Command[] {
  const found: Command[] = []
  new Run(new Map(bindings), found, 0).tokens(lexShell(text, isPlain))
  return found
}

class Run {
  private readonly frames: Frame[] = []
  private readonly functions = new Map<string, readonly Token[]>()
  private dead = false
  private lastOperator = '\n'
  /** Behind `!`, in front of the command. */
  private isInverted = false
  /** Narrowed for the rest of a list of && only. */
  private chain: [string, readonly string[] | undefined][] = []
  private chainWasDead = false

  constructor(
    private readonly env: Environment,
    private readonly found: Command[],
    private readonly depth: number,
  ) {}

  tokens(all: readonly Token[]): void {
    let at = 0
    while (at < all.length && this.found.length < MAX_COMMANDS) at = this.command(all, at)
  }

  /** @returns where the next one begins */
  private command(all: readonly Token[], from: number): number {
    const token = all[from] as Token
    if (token.kind === 'operator') {
      if (!['&&', '(', '|'].includes(token.text)) this.endChain()
      if (token.text === '(') this.frames.push(this.frame('group'))
      if (token.text === ')') this.endGroup()
      this.lastOperator = token.text
      if (!/^;[;&]/.test(token.text)) return from + 1
      this.endBranch()
      return this.pattern(all, from + 1)
    }
    if (token.kind === 'redirect') {
      // Behind `done` or `}`, or in front of its command.
      const target = all[from + 1]
      if (token.writes && target?.kind === 'word' && !this.dead)
        this.found.push({ line: target.line, argv: [], writesTo: [this.value(target)] })
      return from + 2
    }
    const word = plainText(token)
    const special = word === undefined ? undefined : this.reserved(word, all, from)
    if (special !== undefined) return special
    return this.simple(all, from)
  }

  /** @returns undefined if it is no reserved word */
  private reserved(word: string, all: readonly Token[], at: number): number | undefined {
    if (word === 'if' || word === 'elif') {
      if (word === 'if') this.frames.push(this.frame('if'))
      else this.otherBranch()
      const frame = this.frames.at(-1)
      if (frame !== undefined) {
        frame.tests = []
        frame.condition = undefined
      }
      return at + 1
    }
    if (word === 'then') {
      const tests = this.frames.at(-1)?.tests
      this.setTests(undefined)
      for (const test of tests ?? []) this.narrow(test, this.frames.at(-1)?.narrowed)
      return at + 1
    }
    if (word === 'else') {
      this.otherBranch()
      return at + 1
    }
    if (word === 'fi' || word === 'esac' || word === 'done') {
      if (word === 'esac') this.endBranch()
      const frame = this.frames.pop()
      this.undo(frame)
      if (frame !== undefined) this.afterwards(frame)
      return at + 1
    }
    if (word === 'while' || word === 'until' || word === 'select') {
      this.frames.push(this.frame('loop'))
      return at + 1
    }
    if (word === 'for') return this.forLoop(all, at)
    if (word === 'case') return this.caseOf(all, at)
    if (word === 'function' || isOperator(all[at + 1], '(')) return this.definition(all, at)
    if (word === '{') this.frames.push(this.frame('group'))
    if (word === '}') this.endGroup()
    if (word === '!') this.isInverted = true
    if (word === '{' || word === '}' || SKIPPED_WORDS.has(word)) return at + 1
    return undefined
  }

  private frame(kind: Frame['kind'], subject?: string): Frame {
    // `! { ...; }` says nothing of a single test in it.
    this.isInverted = false
    const frame = { kind, narrowed: [], wasDead: this.dead, tests: undefined, subject, staying: [] }
    if (kind !== 'group' || this.chain.length === 0) return frame
    // `[ ... ] && { a; b; }`: it holds to the end of the group.
    return { ...frame, narrowed: this.chain.splice(0), wasDead: this.chainWasDead }
  }

  /** elif, else */
  private otherBranch(): void {
    const frame = this.frames.at(-1)
    this.undo(frame)
    if (frame !== undefined) frame.hasElse = true
  }

  /** What holds after `fi` and `esac`, since for all else the script has left. */
  private afterwards({ kind, condition, hasElse, leaves, subject, othersLeave, staying }: Frame): void {
    const outer = this.frames.at(-1)?.narrowed
    if (kind === 'if' && condition !== undefined && leaves === true && hasElse !== true)
      this.narrow({ ...condition, isNegated: !condition.isNegated }, outer)
    if (kind === 'case' && subject !== undefined && othersLeave === true && staying.length > 0)
      this.narrow({ variable: subject, texts: staying, isNegated: false }, outer)
  }

  private setTests(tests: Narrowing[] | undefined): void {
    const frame = this.frames.at(-1)
    if (frame !== undefined) frame.tests = tests
  }

  private undo(frame: Frame | undefined): void {
    if (frame === undefined) return
    this.restore(frame.narrowed)
    this.dead = frame.wasDead
  }

  private restore(narrowed: [string, readonly string[] | undefined][]): void {
    for (const [name, texts] of narrowed.splice(0).reverse()) {
      if (texts === undefined) this.env.delete(name)
      else this.env.set(name, texts)
    }
  }

  private endChain(): void {
    if (this.chain.length === 0) return
    this.restore(this.chain)
    this.dead = this.chainWasDead
  }

  private endGroup(): void {
    if (this.frames.at(-1)?.kind === 'group') this.undo(this.frames.pop())
  }

  private endBranch(): void {
    const frame = this.frames.findLast(({ kind }) => kind === 'case')
    this.undo(frame)
    if (frame === undefined || frame.branch === undefined) return
    if (frame.branch.includes('*')) frame.othersLeave = frame.leaves === true
    else if (frame.leaves !== true) frame.staying.push(...frame.branch)
    frame.branch = undefined
    frame.leaves = false
  }

  private forLoop(all: readonly Token[], at: number): number {
    const name = all[at + 1]
    const variable = name?.kind === 'word' ? plainText(name) : undefined
    this.frames.push(this.frame('loop'))
    let end = at + 1
    while (end < all.length && !isWord(all[end], 'do') && !isWord(all[end], 'done')) end++
    if (variable === undefined) {
      // for ((i = 0; ...)): what is assigned there changes with each round.
      for (const token of all.slice(at, end)) if (token.kind === 'word') this.forget(token)
      return end
    }
    const words = all.slice(at + 3, end).filter((token) => token.kind === 'word')
    const values = isWord(all[at + 2], 'in')
      ? words.flatMap((word) => this.split(word))
      : (this.env.get('@') ?? [UNRESOLVED])
    this.env.set(variable, values.slice(0, MAX_TEXTS))
    return end
  }

  private forget(word: Word): void {
    for (const part of word.parts) {
      if (!('literal' in part)) continue
      for (const [name] of part.literal.matchAll(/[A-Za-z_]\w*/g)) this.env.set(name, [UNRESOLVED])
    }
  }

  private caseOf(all: readonly Token[], at: number): number {
    const subject = all[at + 1]
    const variable = subject?.kind === 'word' ? onlyVariable(subject) : undefined
    this.frames.push(this.frame('case', variable))
    let next = at + 2
    while (next < all.length && !isWord(all[next], 'in')) next++
    return this.pattern(all, next + 1)
  }

  /** The pattern of a branch of `case`; without one, where it is. */
  private pattern(all: readonly Token[], from: number): number {
    let at = from
    while (isOperator(all[at], '\n') || isOperator(all[at], '(')) at++
    if (isWord(all[at], 'esac')) return at
    const texts: string[] = []
    for (; at < all.length && !isOperator(all[at], ')'); at++) {
      const token = all[at] as Token
      if (token.kind === 'word') texts.push(...this.value(token).texts)
    }
    const frame = this.frames.at(-1)
    if (frame !== undefined) frame.branch = texts
    const variable = frame?.subject
    if (variable !== undefined && !texts.includes('*'))
      this.narrow({ variable, texts, isNegated: false }, frame?.narrowed)
    return at + 1
  }

  private definition(all: readonly Token[], at: number): number {
    const isKeyword = isWord(all[at], 'function')
    const name = plainText(all[isKeyword ? at + 1 : at] as Word)
    let next = isKeyword ? at + 2 : at + 1
    while (isOperator(all[next], '(') || isOperator(all[next], ')') || isOperator(all[next], '\n')) next++
    if (!isWord(all[next], '{')) return next
    let depth = 0
    const from = next + 1
    for (; next < all.length; next++) {
      if (isWord(all[next], '{')) depth++
      if (isWord(all[next], '}') && --depth === 0) break
    }
    if (name !== undefined) this.functions.set(name, all.slice(from, next))
    return next + 1
  }

  private simple(all: readonly Token[], from: number): number {
    const words: Word[] = []
    const targets: Word[] = []
    let at = from
    for (; at < all.length && (all[at] as Token).kind !== 'operator'; at++) {
      const token = all[at] as Token
      if (token.kind === 'word') words.push(token)
      else if (token.kind === 'redirect') {
        const target = all[at + 1]
        if (target?.kind !== 'word') continue
        if (token.writes) targets.push(target)
        at++
      }
    }
    const next = all[at]
    this.evaluate(words, targets, next, all.slice(at + 1, at + 40))
    this.isInverted = false
    // A new branch of `case` follows `;;`.
    if (next?.kind === 'operator' && /^;[;&]/.test(next.text)) {
      this.endChain()
      this.endBranch()
      return this.pattern(all, at + 1)
    }
    return at
  }

  private evaluate(
    words: readonly Word[],
    targets: readonly Word[],
    next: Token | undefined,
    following: readonly Token[],
  ): void {
    for (const word of [...words, ...targets]) this.substitutions(word)
    const rest = this.assignments(words)
    if (rest.length === 0 && targets.length === 0) return
    const argv = rest.flatMap((word) => this.expanded(word))
    const [line] = [...words, ...targets].map((word) => word.line)
    const name = argv[0]?.texts[0] ?? ''
    if (['[', '[[', 'test'].includes(name)) {
      this.test(rest.slice(1), next, following)
      return
    }
    if (this.builtin(name, rest, argv)) return
    if (!this.dead)
      this.found.push({ line: line ?? 1, argv, writesTo: targets.map((word) => this.value(word)) })
  }

  private substitutions(word: Word): void {
    for (const part of word.parts) {
      if (!('substitution' in part) || part.substitution.startsWith('(') || this.depth >= MAX_DEPTH) continue
      if (this.dead || !/\S/.test(part.substitution)) continue
      const inner: Command[] = []
      new Run(new Map(this.env), inner, this.depth + 1).tokens(lexShell(part.substitution))
      this.found.push(...inner.map((command) => ({ ...command, line: command.line + word.line - 1 })))
    }
  }

  /** @returns the words after leading assignments */
  private assignments(words: readonly Word[]): readonly Word[] {
    let at = 0
    const isDeclaring = ['export', 'local', 'readonly', 'declare', 'typeset'].includes(
      plainText(words[0]) ?? '',
    )
    if (isDeclaring) at = 1
    for (; at < words.length; at++) {
      const word = words[at] as Word
      const first = word.parts[0]
      const assigned =
        first !== undefined && 'literal' in first ? /^([A-Za-z_]\w*)\+?=/.exec(first.literal) : null
      if (assigned === null) {
        if (isDeclaring) continue
        break
      }
      const [all, name = ''] = assigned
      const value: Word = {
        ...word,
        parts: [
          { literal: (first as { literal: string }).literal.slice(all.length), quoted: false },
          ...word.parts.slice(1),
        ],
      }
      const texts = all.endsWith('+=') ? [UNRESOLVED] : this.value(value).texts
      // In a branch it may or may not be assigned.
      const isSure = this.frames.length === 0
      const before = isSure ? [] : (this.env.get(name) ?? [])
      if (this.dead) continue
      this.env.set(name, [...new Set([...before, ...texts])].slice(0, MAX_TEXTS))
      // It may be this afterwards, too, when what narrowed it ends.
      for (const saved of [this.chain, ...this.frames.map(({ narrowed }) => narrowed)]) {
        for (const entry of saved) {
          if (entry[0] === name) entry[1] = [...new Set([...(entry[1] ?? [UNRESOLVED]), ...texts])]
        }
      }
    }
    return isDeclaring ? [] : words.slice(at)
  }

  /** @returns true if there is nothing more to see in it */
  private builtin(name: string, words: readonly Word[], argv: readonly Value[]): boolean {
    if (name === 'read' || name === 'mapfile' || name === 'readarray' || name === 'let' || name === 'unset') {
      for (const word of words.slice(1)) this.forget(word)
      return true
    }
    const isAlways = this.frames.length === 0 && !isList(this.lastOperator)
    if (LEAVES.has(name)) {
      if (isAlways) this.dead = true
      const frame = this.frames.at(-1)
      if (frame !== undefined && !isList(this.lastOperator)) frame.leaves = true
      return true
    }
    if (name === 'shift') {
      for (const key of POSITIONS) this.env.set(key, this.env.get(String(Number(key) + 1)) ?? [UNRESOLVED])
      return true
    }
    if (name === 'set') {
      if (argv.some(({ texts }) => texts[0] === '--'))
        for (const key of [...POSITIONS, '@', '*']) this.env.set(key, [UNRESOLVED])
      return true
    }
    if (name === 'eval') {
      const text = argv.slice(1).map((value) => value.texts[0] ?? '')
      if (this.depth < MAX_DEPTH && !this.dead)
        new Run(new Map(this.env), this.found, this.depth + 1).tokens(lexShell(text.join(' ')))
      return true
    }
    const body = this.functions.get(name)
    if (body === undefined) return false
    if (this.depth >= MAX_DEPTH || this.dead) return true
    const env = new Map(this.env)
    for (const [index, value] of argv.slice(1).entries()) env.set(String(index + 1), value.texts)
    env.set(
      '@',
      argv.slice(1).flatMap((value) => value.texts),
    )
    env.set('*', env.get('@') ?? [])
    const inner = new Run(env, this.found, this.depth + 1)
    for (const [key, tokens] of this.functions) inner.functions.set(key, tokens)
    inner.tokens(body)
    // What it assigned is seen by its caller.
    for (const [key, texts] of env) if (!/^[\d@*]/.test(key)) this.env.set(key, texts)
    return true
  }

  private test(words: readonly Word[], next: Token | undefined, following: readonly Token[]): void {
    const compared = this.narrowingOf(words)
    const narrowing =
      compared !== undefined && this.isInverted ? { ...compared, isNegated: !compared.isNegated } : compared
    const frame = this.frames.at(-1)
    if (frame?.tests !== undefined) {
      const isAlone = !isList(this.lastOperator) && !(next?.kind === 'operator' && isList(next.text))
      frame.condition = isAlone ? narrowing : undefined
      if (isOperator(next, '||')) this.setTests(undefined)
      else if (narrowing !== undefined) frame.tests.push(narrowing)
      return
    }
    if (narrowing === undefined || next?.kind !== 'operator' || !isList(next.text)) return
    const { isNegated } = narrowing
    if (leavesSoon(following)) {
      // The first of a list has said what follows from all of it.
      const texts =
        this.lastOperator === next.text ? undefined : this.untilItLeaves(narrowing, next.text, following)
      if (texts !== undefined) {
        const holds = next.text === '||' ? isNegated : !isNegated
        if (texts.length === narrowing.texts.length || !holds)
          this.narrow({ ...narrowing, texts, isNegated: holds }, frame?.narrowed)
        return
      }
      if (next.text === '||' || isNegated) return
    }
    if (next.text === '||') return
    if (this.chain.length === 0) this.chainWasDead = this.dead
    this.narrow(narrowing, this.chain)
  }

  /**
   * `T || T || exit`, `T && T && exit`: all texts that the tests T compare one variable with.
   * @returns undefined for any other list
   */
  private untilItLeaves(
    first: Narrowing,
    operator: string,
    following: readonly Token[],
  ): readonly string[] | undefined {
    const texts = [...first.texts]
    for (let at = 0; at < following.length; at++) {
      const words: Word[] = []
      for (; following[at]?.kind === 'word'; at++) words.push(following[at] as Word)
      const name = plainText(words[0]) ?? ''
      if (LEAVES.has(name) || name === '{' || isOperator(following[at], '(')) return texts
      const more = this.narrowingOf(['[', '[[', 'test'].includes(name) ? words.slice(1) : words)
      const isSame = more?.variable === first.variable && more.isNegated === first.isNegated
      if (!isSame || !isOperator(following[at], operator)) return undefined
      texts.push(...more.texts)
    }
    return undefined
  }

  /** `"$X" = text`, either way round, with a common prefix such as x"$X" = xtext. */
  private narrowingOf(words: readonly Word[]): Narrowing | undefined {
    const texts = words.map((word) => plainText(word))
    const at = texts.findIndex((text) => text !== undefined && ['=', '==', '!='].includes(text))
    if (at < 1 || texts.includes('-o')) return undefined
    const [left, right] = [words[at - 1], words[at + 1]]
    if (left === undefined || right === undefined) return undefined
    const isNegated = (texts[at] === '!=') !== (texts[0] === '!')
    for (const [one, other] of [
      [left, right],
      [right, left],
    ] as const) {
      const variable = onlyVariable(one)
      if (variable === undefined) continue
      const prefix = one.parts.length > 1 ? ((one.parts[0] as { literal: string }).literal ?? '') : ''
      const values = this.value(other).texts
      if (values.some((text) => text.includes(UNRESOLVED) || !text.startsWith(prefix))) return undefined
      return { variable, texts: values.map((text) => text.slice(prefix.length)), isNegated }
    }
    return undefined
  }

  private narrow(
    { variable, texts, isNegated }: Narrowing,
    saved: [string, readonly string[] | undefined][] | undefined,
  ): void {
    const before = this.env.get(variable)
    if (isNegated) {
      if (before === undefined || before.some((text) => /[*?[]/.test(text) || text.includes(UNRESOLVED)))
        return
      const left = before.filter((text) => !texts.includes(text))
      if (left.length === 0) this.dead = true
      saved?.push([variable, before])
      this.env.set(variable, left)
      return
    }
    const isOpen = before === undefined || before.some((text) => text === '*' || text.includes(UNRESOLVED))
    const left = isOpen ? texts : before.filter((text) => texts.some((one) => matchesLoosely(one, text)))
    saved?.push([variable, before])
    if (left.length === 0) this.dead = true
    else this.env.set(variable, left)
  }

  /** A word of a command line; one that is a list in a variable is several. */
  private expanded(word: Word): readonly Value[] {
    const [part, ...more] = word.parts
    if (part === undefined || more.length > 0 || !('variable' in part) || part.quoted)
      return [this.value(word)]
    const texts = this.env.get(part.variable)
    if (texts?.length !== 1 || !/\s/.test(texts[0] as string)) return [this.value(word)]
    return (texts[0] as string)
      .trim()
      .split(/\s+/)
      .map((text) => ({ texts: [text], shown: text }))
  }

  /** Words of a list: unquoted variables are split. */
  private split(word: Word): readonly string[] {
    const { texts } = this.value(word)
    const isQuoted = word.parts.every((part) => part.quoted)
    return isQuoted
      ? texts
      : texts.flatMap((text) => braces(text).flatMap((one) => one.split(/\s+/))).filter(Boolean)
  }

  private value(word: Word): Value {
    let texts: readonly string[] = ['']
    let shown = ''
    for (const part of word.parts) {
      const values = this.partTexts(part)
      texts = texts.flatMap((text) => values.map((value) => text + value)).slice(0, MAX_TEXTS)
      const isOne = values.length === 1 && !(values[0] as string).includes(UNRESOLVED) && values[0] !== '*'
      shown += isOne ? (values[0] as string) : written(part)
    }
    return { texts, shown }
  }

  private partTexts(part: Part): readonly string[] {
    if ('literal' in part) return [part.literal]
    if ('substitution' in part) return [UNRESOLVED]
    const texts = this.env.get(part.variable)
    if (texts !== undefined && texts.length > 0) return texts
    return part.otherwise === undefined ? [UNRESOLVED] : [part.otherwise]
  }
}

function written(part: Part): string {
  if ('literal' in part) return part.literal
  if ('variable' in part) return `$${part.variable}`
  const inner = part.substitution.replace(/\s+/g, ' ').trim()
  return `$(${inner.length <= 40 ? inner : `${inner.slice(0, 37)}...`})`
}

/** eth{0,1} and eth{0..3}. */
function braces(text: string): readonly string[] {
  const list = /^([^{}]*)\{([^{}]*)\}(.*)$/.exec(text)
  if (list === null) return [text]
  const [, before = '', inner = '', after = ''] = list
  const range = /^(\d{1,3})\.\.(\d{1,3})$/.exec(inner)
  if (range === null && !inner.includes(',')) return [text]
  const [from, to] = [Number(range?.[1]), Number(range?.[2])]
  const items =
    range === null
      ? inner.split(',')
      : Array.from({ length: Math.min(MAX_TEXTS, Math.abs(to - from) + 1) }, (_, index) =>
          String(Math.min(from, to) + index),
        )
  return items.flatMap((item) => braces(`${before}${item}${after}`)).slice(0, MAX_TEXTS)
}

/** A pattern of `case` or [[ ]] with at most one star at its end. */
function matchesLoosely(pattern: string, text: string): boolean {
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : pattern === text
}

function leavesSoon(following: readonly Token[]): boolean {
  for (const token of following) {
    if (token.kind === 'operator' && (token.text === '\n' || token.text === ';;')) return false
    if (token.kind === 'word' && LEAVES.has(plainText(token) ?? '')) return true
  }
  return false
}

/** The variable of a word that is nothing else, but for a prefix. */
function onlyVariable(word: Word): string | undefined {
  const parts = word.parts.filter((part) => !('literal' in part && part.literal === ''))
  const last = parts.at(-1)
  if (last === undefined || !('variable' in last) || parts.length > 2) return undefined
  return parts.length === 1 || 'literal' in (parts[0] as Part) ? last.variable : undefined
}

function plainText(token: Token | undefined): string | undefined {
  if (token?.kind !== 'word') return undefined
  return token.parts.every((part) => 'literal' in part)
    ? token.parts.map((part) => (part as { literal: string }).literal).join('')
    : undefined
}

function isList(operator: string): boolean {
  return operator === '&&' || operator === '||'
}

function isWord(token: Token | undefined, text: string): boolean {
  return token?.kind === 'word' && plainText(token) === text
}

function isOperator(token: Token | undefined, text: string): boolean {
  return token?.kind === 'operator' && token.text === text
}
