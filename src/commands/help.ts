/** --help texts, generated from the registry so that they always match the parser. */
import type { CommandSpec, OptionSpec } from './command'
import { COMMANDS, GLOBAL_OPTIONS } from './registry'

export function overallHelp(): string {
  return [
    'vqtune tunes the channels, IRQ affinity and XPS of virtio-net NICs to the vCPUs of this guest.',
    '',
    'Usage: vqtune COMMAND [options]',
    '',
    'Commands:',
    ...columns(COMMANDS.map((command) => [usageWords(command), command.summary])),
    '',
    'Options of all commands:',
    ...optionLines(GLOBAL_OPTIONS),
    '',
    'Exit status: 0 converged, 1 error, 2 usage or configuration, 3 drift found (with --check).',
    'Manual: man vqtune, man vqtune.toml.',
    '',
  ].join('\n')
}

/** Help for words that several commands begin with, such as `vqtune host zerocopy`. */
export function groupHelp(group: readonly string[]): string {
  const members = COMMANDS.filter(({ words }) => group.every((word, i) => words[i] === word))
  return [
    `Usage: vqtune ${group.join(' ')} COMMAND [options]`,
    '',
    'Commands:',
    ...columns(members.map((command) => [usageWords(command), command.summary])),
    '',
  ].join('\n')
}

export function commandHelp(command: CommandSpec): string {
  const options = command.options ?? {}
  return [
    `Usage: vqtune ${usageWords(command)} [options]`,
    '',
    `${capitalised(command.summary)}.`,
    ...(command.details === undefined ? [] : ['', ...command.details]),
    ...(Object.keys(options).length === 0 ? [] : ['', 'Options:', ...optionLines(options)]),
    '',
    'Options of all commands:',
    ...optionLines(GLOBAL_OPTIONS),
    '',
  ].join('\n')
}

function usageWords(command: CommandSpec): string {
  return [...command.words, ...(command.positionals ?? [])].join(' ')
}

function optionLines(options: Readonly<Record<string, OptionSpec>>): string[] {
  return columns(
    Object.entries(options).map(([name, spec]) => [
      `${spec.short === undefined ? '' : `-${spec.short}, `}--${name}${spec.value === undefined ? '' : ` ${spec.value}`}`,
      spec.summary,
    ]),
  )
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
