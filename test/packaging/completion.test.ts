/** Completions and manual, run for real: in bash, in zsh, in fish, through mandoc. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { commandHelp } from '../../src/commands/help'
import { COMMANDS, GLOBAL_OPTIONS } from '../../src/commands/registry'
import { TOP } from './rpms'

/** How a terminal of paper shows bold. */
const OVERSTRIKE = new RegExp(`.${String.fromCharCode(8)}`, 'g')

const out = mkdtempSync(join(tmpdir(), 'vqtune-docs-'))
beforeAll(() => {
  execFileSync(process.execPath, [join(TOP, 'packaging/docs.mjs'), out], { stdio: 'inherit' })
})

/** What bash offers for the last of `words`. */
function bash(...words: string[]): string[] {
  const script = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _vqtune; printf "%s\\n" "\${COMPREPLY[@]}"`
  const args = ['--norc', '-c', script, 'bash', join(out, 'vqtune.bash'), ...words]
  return execFileSync('bash', args, { encoding: 'utf8' }).split('\n').filter(Boolean)
}

/** Options of unshare: NICs ens3 and ens4 in place of this machine's. */
const WITH_NICS = [
  '-m',
  'sh',
  '-c',
  `mount -t tmpfs none /sys/bus
  mkdir -p /sys/bus/virtio/drivers/virtio_net/virtio0/net/ens3 /sys/bus/virtio/drivers/virtio_net/virtio1/net/ens4
  exec "$@"`,
  'sh',
]

/** What fish offers, without what it says of each. */
function fish(line: string): string[] {
  const program = ['fish', '--no-config']
  const script = 'source $argv[1]; complete -C $argv[2]'
  const { stdout, stderr } = spawnSync(
    'unshare',
    [...WITH_NICS, ...program, '-c', script, join(out, 'vqtune.fish'), line],
    {
      encoding: 'utf8',
    },
  )
  if (stderr !== '') throw new Error(stderr)
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((offer) => offer.split('\t')[0] as string)
}

/** What zsh offers: a real interactive zsh on a terminal of its own, as there is no other way to run its completion. */
function zsh(line: string): string {
  const script = `
    zmodload zsh/zpty
    zpty shell zsh -f -i
    zpty -w shell 'PROMPT=; stty columns 200; fpath=(${out} $fpath); autoload -Uz compinit; compinit -u -D'
    zpty -w shell 'zstyle ":completion:*" list-separator " -- "; LISTMAX=1000; setopt auto_list no_list_beep'
    # The marks are printed in two parts, so that the echo of these lines is not taken for them.
    zpty -w shell 'list() { zle list-choices; zle -R; print LIS""TED }; zle -N list; bindkey "^I" list'
    zpty -w shell 'zle-line-init() { print EDI""TING }; zle -N zle-line-init'
    # A key that comes before the editor listens, or while another waits, would leave the list unshown.
    zpty -r shell seen '*EDITING*'
    zpty -n -w shell ${JSON.stringify(line)}$'\\t'
    zpty -r shell seen '*LISTED*'
    print -r -- $seen
    zpty -d shell`
  const { stdout, stderr } = spawnSync('unshare', [...WITH_NICS, 'zsh', '-f', '-c', script], {
    encoding: 'utf8',
    timeout: 600_000,
  })
  if (stdout === '') throw new Error(stderr)
  return stdout
}

describe('bash completion', () => {
  it('offers the first words, and what can follow', () => {
    expect(bash('vqtune', '')).toEqual(
      expect.arrayContaining([...new Set(COMMANDS.map(({ words }) => words[0] as string)), '--help']),
    )
    expect(bash('vqtune', 'roll')).toEqual(['rollback'])
    expect(bash('vqtune', 'config', '')).toContain('check')
  })

  it('offers every option of every command', () => {
    for (const { words, options } of COMMANDS) {
      const names = Object.keys({ ...options, ...GLOBAL_OPTIONS }).map((name) => `--${name}`)
      expect(bash('vqtune', ...words, '--').sort(), words.join(' ')).toEqual(names.sort())
    }
  })

  it('offers configuration keys', () => {
    expect(bash('vqtune', 'config', 'set', 'guard.en')).toEqual(['guard.enabled'])
    expect(bash('vqtune', 'config', 'unset', 'cap')).toEqual(['cap'])
  })

  it('offers files for --config and nothing for an unknown command', () => {
    expect(bash('vqtune', 'plan', '--config', `${TOP}pack`).sort()).toEqual([
      `${TOP}package-lock.json`,
      `${TOP}package.json`,
      `${TOP}packaging`,
    ])
    expect(bash('vqtune', 'frob', '--')).toEqual([])
  })
})

describe('zsh completion', () => {
  it('offers commands with their summaries', () => {
    const offered = zsh('vqtune ')
    for (const { words } of COMMANDS) expect(offered).toContain(words[0])
  })

  it('offers options after a command of one word and of two', () => {
    expect(zsh('vqtune rollback --')).toContain('--dry-run')
    expect(zsh('vqtune config ')).toContain('check')
    expect(zsh('vqtune config check --')).toContain('--json')
    expect(zsh('vqtune config set guard.')).toContain('guard.commit-confirm-seconds')
  })

  it('offers NICs, as an argument and after --nic', () => {
    for (const line of ['vqtune explain ', 'vqtune config set --nic ']) {
      const offered = zsh(line)
      expect(offered, line).toMatch(/ens3 +ens4/)
    }
  })
})

describe('fish completion', () => {
  const verbs = [...new Set(COMMANDS.map(({ words }) => words[0] as string))]

  it('offers the first words, and what can follow', () => {
    expect(fish('vqtune ').sort()).toEqual([...verbs].sort())
    expect(fish('vqtune roll')).toEqual(['rollback'])
    expect(fish('vqtune host zero')).toEqual(['zerocopy'])
    for (const { words } of COMMANDS.filter((command) => command.words.length > 1))
      expect(fish(`vqtune ${words.slice(0, -1).join(' ')} `)).toContain(words.at(-1))
  })

  it('offers every option of every command, and no other', () => {
    for (const { words, options } of COMMANDS) {
      const names = Object.keys({ ...options, ...GLOBAL_OPTIONS }).map((name) => `--${name}`)
      expect(fish(`vqtune ${words.join(' ')} --`).sort(), words.join(' ')).toEqual(names.sort())
    }
  })

  it('offers NICs, keys and files', () => {
    expect(fish('vqtune explain ')).toEqual(['ens3', 'ens4'])
    expect(fish('vqtune config set --nic ')).toEqual(['ens3', 'ens4'])
    expect(fish('vqtune config set guard.en')).toEqual(['guard.enabled'])
    expect(fish(`vqtune plan --config ${TOP}package`).sort()).toEqual([
      `${TOP}package-lock.json`,
      `${TOP}package.json`,
    ])
    expect(fish('vqtune frob --')).toEqual([])
  })
})

describe('manual', () => {
  it('is clean for mandoc and names every command and option', () => {
    const page = join(out, 'vqtune.8')
    const lint = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', page, join(out, 'vqtune.toml.5')], {
      encoding: 'utf8',
    })
    expect(lint.stdout + lint.stderr).toBe('')
    const text = execFileSync('mandoc', ['-T', 'utf8', page], { encoding: 'utf8' }).replaceAll(OVERSTRIKE, '')
    for (const { words, options } of COMMANDS) {
      expect(text).toMatch(new RegExp(`^ +(vqtune )?${words.join(' ')}`, 'm'))
      for (const name of Object.keys(options ?? {})) expect(text).toContain(`--${name}`)
    }
    expect(readFileSync(page, 'utf8')).not.toMatch(/@[A-Z_]+@/)
  })
})

describe('manual, --help and the completions of bash and zsh', () => {
  const file = (name: string): string => readFileSync(join(out, name), 'utf8')
  /** Sorted option names of a text, without the dashes; each once. */
  const optionsIn = (text: string, pattern: RegExp): string[] =>
    [...new Set([...text.matchAll(pattern)].map(([, name = '']) => name))].sort()
  const own = (spec: (typeof COMMANDS)[number]) => Object.keys(spec.options ?? {}).sort()
  const all = (spec: (typeof COMMANDS)[number]) => Object.keys({ ...spec.options, ...GLOBAL_OPTIONS }).sort()

  it('have for each command just the options that it takes', () => {
    // Entry by entry: up to the next command, or the end of the list.
    const entries = new Map(
      file('vqtune.8')
        .split(/^\.Ss Options of all commands$/m)[0]
        ?.split(/^\.It Cm /m)
        .slice(1)
        .map((entry) => [entry.split(/ (?:Op|Ar) |\n/)[0] as string, entry]),
    )
    expect([...entries.keys()].sort()).toEqual(COMMANDS.map(({ words }) => words.join(' ')).sort())
    for (const command of COMMANDS) {
      const words = command.words.join(' ')
      expect(optionsIn(entries.get(words) ?? '', /^\.It .*Fl -([a-z-]+)/gm), `manual: ${words}`).toEqual(
        own(command),
      )
      const zsh = new RegExp(`^ +\\('${words}'\\)\\n +_arguments([\\s\\S]*?);;`, 'm').exec(
        file('_vqtune'),
      )?.[1]
      expect(optionsIn(zsh ?? '', /'\*?--([a-z-]+)/g), `zsh: ${words}`).toEqual(all(command))
      const help = commandHelp(command)
      expect(optionsIn(help, /^ {2}(?:-\w, )?--([a-z-]+)/gm), `--help: ${words}`).toEqual(all(command))
    }
    const everywhere = /^\.Ss Options of all commands$([\s\S]*?)^\.Sh/m.exec(file('vqtune.8'))?.[1]
    expect(optionsIn(everywhere ?? '', /Fl -([a-z-]+)/g)).toEqual(Object.keys(GLOBAL_OPTIONS).sort())
  })

  it('name no option that the program does not have', () => {
    const known = new Set(COMMANDS.flatMap(all))
    const texts = {
      bash: file('vqtune.bash'),
      zsh: file('_vqtune'),
      help: COMMANDS.map(commandHelp).join(''),
      manual: file('vqtune.8')
        // What other programs are called with.
        .replace(/\bsystemctl .*/g, ''),
    }
    for (const [name, text] of Object.entries(texts)) {
      const named = optionsIn(text, /(?<![\w-])(?:\\-|-)-([a-z][a-z-]+)/g)
      expect(
        named.filter((option) => !known.has(option)),
        name,
      ).toEqual([])
      expect(named.length, name).toBeGreaterThan(2)
    }
  })
})
