/** Argument parsing, help, dispatch and exit codes. Parsing is node:util's; the grammar is commands/registry.ts. */
import { parseArgs } from 'node:util'
import type { CommandSpec, OptionSpec, OptionValues } from './commands/command'
import { COMMANDS, GLOBAL_OPTIONS } from './commands/registry'
import { EXIT, errnoOf, messageOf, VqtuneError } from './errors'
import { openSystem, type System } from './system/system'
import { escapeControl, escapeToOneLine } from './text/escape'
import { nearest } from './text/nearest'
import { VERSION } from './version'

/** What the process gives the command line; tests give their own. */
export interface CliStreams {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Tell what is done on standard error, as with --verbose. */
  readonly verbose: boolean
  readonly color: boolean
  /** True when standard output is a terminal. */
  readonly isTerminal: boolean
  readonly signal: AbortSignal
}

/** Runs one command line (without node and script). @returns the exit code. Never throws. */
export async function runCli(argv: readonly string[], streams: CliStreams): Promise<number> {
  try {
    return await dispatch(argv, {
      ...streams,
      out: (text) => streams.out(escapeControl(text, streams.color)),
      err: (text) => streams.err(escapeControl(text)),
    })
  } catch (error) {
    if (error instanceof VqtuneError) {
      streams.err(`vqtune: ${escapeToOneLine(error.message)}\n`)
      return error.exitCode
    }
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
    streams.err(
      `vqtune: internal error${errnoOf(error) ? ` (${errnoOf(error)})` : ''}: ${escapeControl(stack)}\n`,
    )
    return EXIT.error
  }
}

async function dispatch(argv: readonly string[], streams: CliStreams): Promise<number> {
  const command = findCommand(argv)
  if (command === undefined) return withoutCommand(argv, streams)
  const rest = argv.slice(command.words.length)
  const { values, positionals } = parse(rest, command)
  if (values.help === true) {
    const { commandHelp } = await import('./commands/help')
    streams.out(commandHelp(command))
    return EXIT.converged
  }
  if (values.version === true) return showVersion(streams)
  checkPositionals(command, positionals)
  const system = await observed(
    await openRoot(values.root, command),
    values.verbose === true || streams.verbose,
    streams,
  )
  const module = await command.load()
  const run = (out: CliStreams['out']): Promise<number> | number =>
    module.run({
      system,
      positionals,
      options: values,
      configFile: typeof values.config === 'string' ? values.config : undefined,
      out,
      warn: (line) => streams.err(`vqtune: ${escapeToOneLine(line)}\n`),
      color: streams.color,
      signal: streams.signal,
    })
  const isPaged = command.isLong === true && streams.isTerminal && values['no-pager'] !== true
  return isPaged ? paged(streams, run) : run(streams.out)
}

/** Shows what a command prints when it has ended, or failed. */
async function paged(
  { out, color }: CliStreams,
  run: (out: CliStreams['out']) => Promise<number> | number,
): Promise<number> {
  const texts: string[] = []
  try {
    return await run((text) => texts.push(escapeControl(text, color)))
  } finally {
    const { showInPages } = await import('./system/pager')
    await showInPages(texts.join(''), out)
  }
}

/** The system, or with --verbose one that says what it does. */
async function observed(system: System, verbose: boolean, { err }: CliStreams): Promise<System> {
  if (!verbose) return system
  const { timeStamp, traced } = await import('./system/trace')
  return traced(system, (line) => err(`${timeStamp(new Date())} ${line}\n`))
}

/** The running guest, or the captured one that --root names. `/` is the running one. */
async function openRoot(root: OptionValues[string], { words, readsOnly }: CommandSpec): Promise<System> {
  if (typeof root !== 'string') return openSystem()
  // A script's empty variable must not turn a look at a tree into a change of the running guest.
  if (root === '') throw new VqtuneError('usage', "--root '': no tree is named; / is the running guest")
  const path = root.replace(/\/+$/, '')
  if (path === '') return openSystem()
  const kind = kindOf(path)
  if (kind !== 'directory' && kind !== 'file') {
    throw new VqtuneError('usage', `--root ${root}: neither a directory nor a .tar.gz archive`)
  }
  if (readsOnly === true) return (await import('./system/captured-tree')).openCapturedTree(path)
  if (kind === 'directory') return openSystem(path)
  throw new VqtuneError('usage', `--root ${root}: ${words.join(' ')} writes, and an archive is only read`)
}

function kindOf(path: string): string | undefined {
  try {
    return openSystem().stat(path)?.kind
  } catch (cause) {
    throw new VqtuneError('permission', `--root ${path}: cannot be read (${errnoOf(cause)})`, { cause })
  }
}

/** The command whose words the arguments begin with; the longest match wins. */
function findCommand(argv: readonly string[]): CommandSpec | undefined {
  return COMMANDS.filter((command) => beginsWith(argv, command.words)).sort(
    (a, b) => b.words.length - a.words.length,
  )[0]
}

async function withoutCommand(argv: readonly string[], streams: CliStreams): Promise<number> {
  const first = argv[0]
  if (first === '--version') return showVersion(streams)
  const { overallHelp, groupHelp } = await import('./commands/help')
  if (first === '--help' || first === '-h' || first === 'help') {
    streams.out(overallHelp())
    return EXIT.converged
  }
  if (first === undefined) {
    streams.err(overallHelp())
    return EXIT.usage
  }
  const group = groupOf(argv)
  if (group.length > 0) {
    const next = argv[group.length]
    const meant = next === undefined ? undefined : nearest(next, wordsAfter(group))
    if (meant !== undefined) throw noSuchCommand(argv.slice(0, group.length + 1), [...group, meant])
    const asked = next === '--help' || next === '-h'
    ;(asked ? streams.out : streams.err)(groupHelp(group))
    return asked ? EXIT.converged : EXIT.usage
  }
  if (first.startsWith('-')) {
    throw new VqtuneError('usage', `${first}: options come after the command; see vqtune --help`)
  }
  const known = wordsAfter([])
  const meant = nearest(first, known)
  if (meant !== undefined) throw noSuchCommand([first], [meant])
  throw new VqtuneError('usage', `${first}: no such command; there are ${known.join(', ')}`)
}

function noSuchCommand(words: readonly string[], meant: readonly string[]): VqtuneError {
  return new VqtuneError('usage', `${words.join(' ')}: no such command; did you mean ${meant.join(' ')}?`)
}

/** The words that can follow the beginning of a command, each once. */
function wordsAfter(beginning: readonly string[]): readonly string[] {
  const next = COMMANDS.filter(({ words }) => beginsWith(words, beginning)).flatMap(({ words }) =>
    words.slice(beginning.length, beginning.length + 1),
  )
  return [...new Set(next)]
}

function showVersion(streams: CliStreams): number {
  streams.out(`vqtune ${VERSION}\n`)
  return EXIT.converged
}

/** The words that the arguments begin with and that several commands have in common: `host zerocopy`. Empty: none. */
function groupOf(argv: readonly string[]): readonly string[] {
  const others = argv.findIndex(
    (_, i) => !COMMANDS.some(({ words }) => words.length > i + 1 && beginsWith(words, argv.slice(0, i + 1))),
  )
  return others === -1 ? argv : argv.slice(0, others)
}

function beginsWith(words: readonly string[], start: readonly string[]): boolean {
  return start.every((word, i) => words[i] === word)
}

function parse(
  args: readonly string[],
  command: CommandSpec,
): { values: OptionValues; positionals: string[] } {
  const specs: Record<string, OptionSpec> = { ...GLOBAL_OPTIONS, ...command.options }
  const options = Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [
      name,
      {
        type: spec.value === undefined ? ('boolean' as const) : ('string' as const),
        ...(spec.short === undefined ? {} : { short: spec.short }),
        ...(spec.multiple === undefined ? {} : { multiple: spec.multiple }),
      },
    ]),
  )
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options,
      allowPositionals: true,
      strict: true,
    })
    return { values: values as OptionValues, positionals }
  } catch (error) {
    const name = command.words.join(' ')
    // node:util explains in several sentences; the first says what is wrong.
    const first = messageOf(error).split(/\.\s/)[0] ?? ''
    const unknown = /^Unknown option '--([^']+)'$/.exec(first)?.[1]
    const meant = unknown === undefined ? undefined : nearest(unknown, Object.keys(specs))
    const help = meant === undefined ? `see vqtune ${name} --help` : `did you mean --${meant}?`
    throw new VqtuneError('usage', `${name}: ${first}; ${help}`)
  }
}

function checkPositionals(command: CommandSpec, positionals: readonly string[]): void {
  const slots = command.positionals ?? []
  const name = command.words.join(' ')
  const required = slots.filter((slot) => slot.startsWith('<')).length
  if (positionals.length < required) {
    throw new VqtuneError(
      'usage',
      `${name}: ${slots[positionals.length]} is missing; see vqtune ${name} --help`,
    )
  }
  const takesRest = slots.some((slot) => slot.includes('...'))
  if (!takesRest && positionals.length > slots.length) {
    throw new VqtuneError('usage', `${name}: unexpected argument '${positionals[slots.length]}'`)
  }
}
