import type { CommandContext } from '../../src/commands/command'
import type { System } from '../../src/system/system'

/** A command as if it was called with these options: what it says is noted. */
export function commandOn(system: System, more: Partial<CommandContext> = {}) {
  const said: string[] = []
  const warnings: string[] = []
  const context: CommandContext = {
    ...{ system, positionals: [], options: {}, configFile: undefined, color: false },
    out: (text) => void said.push(text),
    warn: (line) => void warnings.push(line),
    signal: new AbortController().signal,
    ...more,
  }
  return { context, said, warnings }
}
