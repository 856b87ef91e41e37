// docs.mjs DIRECTORY: writes vqtune.8, vqtune.bash, _vqtune and vqtune.fish there, from src/commands/registry.ts, and vqtune.toml and
// vqtune.toml.5, from the tunables' declarations, so that they know what the parsers know. Prints nothing but errors.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { loadSource } from './load-source.mjs'

const out = process.argv[2]
if (out === undefined) throw new Error('usage: docs.mjs DIRECTORY')
const top = fileURLToPath(new URL('..', import.meta.url))

const { COMMANDS, GLOBAL_OPTIONS } = await loadSource('commands/registry.ts')
const { configurationManual, exampleConfiguration } = await loadSource('config/reference.ts')
const { settableKeys } = await loadSource('config/own-drop-in.ts')
const KEYS = [...new Set([...settableKeys(false), ...settableKeys(true)])].sort().join(' ')
const optionsOf = (command) => Object.entries(command.options ?? {})
const globals = Object.entries(GLOBAL_OPTIONS)

// mdoc: a leading dot or quote is a macro, a backslash an escape, a bare hyphen may become a dash, and each sentence has
// a line of its own.
const text = (line) =>
  line
    .replaceAll('\\', '\\e')
    .replace(/^([.'])/, '\\&$1')
    .replaceAll(/(?<=^|\s)-/g, '\\-')
    .replaceAll(/(?<=[.!?]) +(?=[A-Z(])/g, '\n')

function manOption([name, spec]) {
  const short = spec.short === undefined ? '' : `Fl ${spec.short} , `
  const value = spec.value === undefined ? '' : ` Ar ${spec.value}`
  return [`.It ${short}Fl -${name}${value}`, text(`${spec.summary}.`)]
}

function manArguments(command) {
  return (command.positionals ?? []).map((slot) => {
    const word = text(slot.replaceAll(/[[\]<>]/g, ''))
    return slot.startsWith('[') ? `Op Ar ${word}` : `Ar ${word}`
  })
}

function manCommand(command) {
  const options = optionsOf(command)
  return [
    ['.It Cm', command.words.join(' '), ...manArguments(command)].join(' '),
    text(`${command.summary}.`),
    ...(command.details === undefined ? [] : ['.br', ...command.details.map(text)]),
    ...(options.length === 0 ? [] : ['.Bl -tag -width Ds', ...options.flatMap(manOption), '.El']),
  ]
}

function manual() {
  const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? Date.now() / 1000)
  const date = new Date(epoch * 1000).toLocaleDateString('en-US', {
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    timeZone: 'UTC',
  })
  const values = {
    DATE: date,
    SYNOPSIS: COMMANDS.flatMap((command) => [
      '.Nm',
      `.Cm ${command.words.join(' ')}`,
      ...manArguments(command).map((argument) => `.${argument}`),
      ...(optionsOf(command).length > 0 ? ['.Op Ar options'] : []),
    ]).join('\n'),
    COMMANDS: COMMANDS.flatMap(manCommand).join('\n'),
    GLOBAL_OPTIONS: globals.flatMap(manOption).join('\n'),
  }
  const prose = readFileSync(`${top}packaging/man/vqtune.8.in`, 'utf8')
  return prose.replaceAll(/@([A-Z_]+)@/g, (_, name) => {
    if (values[name] === undefined) throw new Error(`vqtune.8.in: unknown placeholder ${name}`)
    return values[name]
  })
}

const flags = (entries) =>
  entries.flatMap(([name, spec]) => [`--${name}`, ...(spec.short === undefined ? [] : [`-${spec.short}`])])

/** Values that files complete, and directories on the way to them. */
const FILES = new Set(['FILE', 'TREE'])

/** What completes the first positional argument. */
function positionalKind(command) {
  const first = command.positionals?.[0] ?? ''
  if (/nic/.test(first)) return 'nic'
  if (/key/.test(first)) return 'key'
  return /file|dir|path/i.test(first) ? 'file' : ''
}

const quote = (word) => `'${word.replaceAll("'", `'\\''`)}'`

/** What may follow each beginning of a command: 'host' -> check, max-files ... */
function continuations() {
  const next = new Map()
  for (const { words } of COMMANDS) {
    for (let length = 1; length < words.length; length++) {
      const beginning = words.slice(0, length).join(' ')
      next.set(beginning, new Set([...(next.get(beginning) ?? []), words[length]]))
    }
  }
  return [...next].map(([beginning, words]) => [beginning, [...words]])
}

function bash() {
  const verbs = [...new Set(COMMANDS.map(({ words }) => words[0]))]
  const valueCases = [...globals, ...COMMANDS.flatMap(optionsOf)]
    .filter(([, spec]) => spec.value !== undefined)
    .map(([name, spec]) => {
      if (spec.choices !== undefined) return [name, `_vqtune_words ${quote(spec.choices.join(' '))}`]
      if (name === 'nic') return [name, '_vqtune_nics']
      return [name, FILES.has(spec.value) ? '_vqtune_files' : ':']
    })
  return `# bash completion of vqtune; made from the command registry by packaging/docs.mjs
_vqtune_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }
_vqtune_files() { mapfile -t COMPREPLY < <(compgen -f -- "$cur"); compopt -o filenames 2>/dev/null; }
_vqtune_nics() {
  local path nics=''
  for path in /sys/bus/virtio/drivers/virtio_net/virtio*/net/*; do
    [ -e "$path" ] && nics+=" \${path##*/}"
  done
  _vqtune_words "$nics"
}
_vqtune() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command next at=2
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ]; then
    _vqtune_words ${quote([...verbs, '--help', '--version'].join(' '))}
    return
  fi
  case $prev in
${[...new Map(valueCases)].map(([name, action]) => `    --${name}) ${action}; return ;;`).join('\n')}
  esac
  command=\${COMP_WORDS[1]}
  while :; do
    case $command in
${continuations()
  .map(([beginning, words]) => `      ${quote(beginning)}) next=${quote([...words, '--help'].join(' '))} ;;`)
  .join('\n')}
      *) break ;;
    esac
    if [ "$COMP_CWORD" = "$at" ]; then
      _vqtune_words "$next"
      return
    fi
    command="$command \${COMP_WORDS[at]}"
    at=$((at + 1))
  done
  case $command in
${COMMANDS.map((command) => {
  const words = quote(flags([...optionsOf(command), ...globals]).join(' '))
  const kinds = { nic: '_vqtune_nics', file: '_vqtune_files', key: `_vqtune_words ${quote(KEYS)}`, '': ':' }
  const other = kinds[positionalKind(command)]
  return `    ${quote(command.words.join(' '))}) if [[ $cur == -* ]]; then _vqtune_words ${words}; else ${other}; fi ;;`
}).join('\n')}
  esac
}
complete -F _vqtune vqtune
`
}

function zsh() {
  // In a spec of _arguments, brackets and colons end parts.
  const plain = (line) => line.replaceAll(/[[\]]/g, '').replaceAll(':', '\\:')
  const option = ([name, spec]) => {
    const action =
      spec.choices !== undefined
        ? `(${spec.choices.join(' ')})`
        : name === 'nic'
          ? '_vqtune_nics'
          : FILES.has(spec.value)
            ? '_files'
            : ' '
    const value = spec.value === undefined ? '' : `:${spec.value}:${action}`
    const words = spec.short === undefined ? [`--${name}`] : [`-${spec.short}`, `--${name}`]
    return words.map((word) => quote(`${spec.multiple ? '*' : ''}${word}[${plain(spec.summary)}]${value}`))
  }
  const verbs = [...new Set(COMMANDS.map(({ words }) => words[0]))]
  const described = verbs.map((verb) => {
    const own = COMMANDS.filter(({ words }) => words[0] === verb)
    return quote(
      `${verb}:${own.length === 1 && own[0].words.length === 1 ? own[0].summary : `${verb} commands`}`,
    )
  })
  const body = (command) => {
    const kinds = { nic: `':nic:_vqtune_nics'`, file: `':file:_files'`, key: quote(`:key:(${KEYS})`), '': '' }
    const kind = kinds[positionalKind(command)]
    return [
      '_arguments -s',
      ...[...optionsOf(command), ...globals].flatMap(option),
      ...(kind ? [kind] : []),
    ].join(' \\\n        ')
  }
  return `#compdef vqtune
# zsh completion of vqtune; made from the command registry by packaging/docs.mjs
_vqtune_nics() {
  local -a nics
  nics=(/sys/bus/virtio/drivers/virtio_net/virtio*/net/*(N:t))
  compadd -a nics
}
_vqtune() {
  local -a verbs seconds
  verbs=(
    ${described.join('\n    ')}
  )
  if (( CURRENT == 2 )); then
    _describe -t commands command verbs
    compadd -- --help --version
    return
  fi
  local command=$words[2]
  while true; do
    case $command in
${continuations()
  .map(([beginning, words]) => `      (${quote(beginning)}) seconds=(${words.map(quote).join(' ')}) ;;`)
  .join('\n')}
      (*) break ;;
    esac
    if (( CURRENT == 3 )); then
      _describe -t commands command seconds
      return
    fi
    command="$command $words[3]"
    shift words
    (( CURRENT-- ))
  done
  # _arguments takes the first word for the command.
  shift words
  (( CURRENT-- ))
  case $command in
${COMMANDS.map((command) => `    (${quote(command.words.join(' '))})\n      ${body(command)}\n      ;;`).join('\n')}
  esac
}
_vqtune "$@"
`
}

function fish() {
  const quoted = (line) => `'${line.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const offer = (condition, ...rest) => ['complete -c vqtune -n', quoted(condition), ...rest].join(' ')
  const described = (summary) => (summary === undefined ? '' : `-d ${quoted(summary)}`)
  const value = (name, spec) => {
    if (spec.value === undefined) return ''
    if (spec.choices !== undefined) return `-x -a ${quoted(spec.choices.join(' '))}`
    if (name === 'nic') return `-x -a '(__vqtune_nics)'`
    return FILES.has(spec.value) ? '-r -F' : '-x'
  }
  const option = (condition, [name, spec]) =>
    offer(
      condition,
      `-l ${name}`,
      spec.short === undefined ? '' : `-s ${spec.short}`,
      value(name, spec),
      described(spec.summary),
    )
  const positional = (command) => {
    const condition = `__vqtune_in ${command.words.join(' ')}`
    const kinds = { nic: `-a '(__vqtune_nics)'`, key: `-a ${quoted(KEYS)}`, file: '-F' }
    const kind = kinds[positionalKind(command)]
    return kind === undefined ? [] : [offer(condition, kind)]
  }
  const summaries = new Map(COMMANDS.map(({ words, summary }) => [words.join(' '), summary]))
  const verbs = [...new Set(COMMANDS.map(({ words }) => words[0]))]
  const next = [['', verbs], ...continuations()].flatMap(([beginning, words]) =>
    words.map((word) =>
      offer(
        `__vqtune_at ${beginning}`.trim(),
        `-a ${word}`,
        described(summaries.get(`${beginning} ${word}`.trim()) ?? `${word} commands`),
      ),
    ),
  )
  const lines = [
    ...next,
    ...globals.filter(([name]) => /^(help|version)$/.test(name)).map((entry) => option('__vqtune_at', entry)),
    ...COMMANDS.flatMap((command) => [
      ...[...optionsOf(command), ...globals].map((entry) =>
        option(`__vqtune_in ${command.words.join(' ')}`, entry),
      ),
      ...positional(command),
    ]),
  ]
  return `# fish completion of vqtune; made from the command registry by packaging/docs.mjs
# Whether the command line begins with these words.
function __vqtune_in
    set -l words (commandline -opc)
    set -e words[1]
    set -l length (count $argv)
    test (count $words) -ge $length
    and test "$words[1..$length]" = "$argv"
end
# Whether it has these words and no other yet.
function __vqtune_at
    set -l words (commandline -opc)
    set -e words[1]
    test "$words" = "$argv"
end
function __vqtune_nics
    set -l paths /sys/bus/virtio/drivers/virtio_net/virtio*/net/*
    string replace -r '.*/' '' -- $paths
end
complete -c vqtune -f
${lines.map((line) => line.replaceAll(/ +$/gm, '').replaceAll(/(?<=\S) {2,}(?=-)/g, ' ')).join('\n')}
`
}

mkdirSync(out, { recursive: true })
writeFileSync(`${out}/vqtune.8`, manual())
writeFileSync(`${out}/vqtune.bash`, bash())
writeFileSync(`${out}/_vqtune`, zsh())
writeFileSync(`${out}/vqtune.fish`, fish())
const template = (file) => readFileSync(`${top}packaging/${file}`, 'utf8')
writeFileSync(`${out}/vqtune.toml`, exampleConfiguration(template('vqtune.toml.in')))
writeFileSync(`${out}/vqtune.toml.5`, configurationManual(template('man/vqtune.toml.5.in')))
