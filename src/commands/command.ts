/** What a command is. The registry lists them; the parser, help, completions and the manual page are generated from it. */
import type { System } from '../system/system'

export interface OptionSpec {
  /** One line for --help, no full stop. */
  readonly summary: string
  /** Placeholder of the value; absent for a flag. */
  readonly value?: string
  /** Words that complete the value. */
  readonly choices?: readonly string[]
  readonly short?: string
  readonly multiple?: boolean
}

export interface CommandSpec {
  /** The words that select it: ['status'], ['host', 'check']. */
  readonly words: readonly string[]
  /** One line for --help, no full stop. */
  readonly summary: string
  /** Positional arguments as shown in the usage line, such as '<nic>' or '[domain]'; '-- <command ...>' takes the rest. */
  readonly positionals?: readonly string[]
  readonly options?: Readonly<Record<string, OptionSpec>>
  /** True when it changes nothing: --root may then name an archive, too. */
  readonly readsOnly?: boolean
  /** True when what it prints can be longer than a terminal: there it is shown a page at a time. */
  readonly isLong?: boolean
  /** More lines for `vqtune VERB --help`. */
  readonly details?: readonly string[]
  /** Loads the command's code only when it is used: the boot path loads nothing else. */
  readonly load: () => Promise<CommandModule>
}

export interface CommandModule {
  /** @returns the exit code; see EXIT. */
  run(context: CommandContext): Promise<number> | number
}

export type OptionValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

export interface CommandContext {
  readonly system: System
  readonly positionals: readonly string[]
  readonly options: OptionValues
  /** Configuration file named by --config, instead of the installed ones. */
  readonly configFile: string | undefined
  /** Writes text to standard output as it is. */
  readonly out: (text: string) => void
  /** Writes one line to standard error, with the program's name in front. */
  readonly warn: (line: string) => void
  /** True when standard output is a terminal and NO_COLOR is unset or empty. */
  readonly color: boolean
  /** Aborted by SIGINT or SIGTERM. */
  readonly signal: AbortSignal
}
