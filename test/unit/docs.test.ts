/** What the documentation names exists: commands, options, keys, files, exit codes, and the program's own words. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { COMMANDS, GLOBAL_OPTIONS } from '../../src/commands/registry'
import { grammarKeys } from '../../src/config/grammar'
import { parseFragment } from '../../src/config/parse'
import { DEFAULT_SETTINGS } from '../../src/config/settings'
import { DaemonCounters, guestFamilies, lastCheck } from '../../src/daemon/metrics'
import { EXIT } from '../../src/errors'
import { CONCLUSION_IDS } from '../../src/report/conclusions'
import { WRITERS } from '../../src/writers/index'
import { quietPass } from '../support/quiet-pass'
import { guestOf } from '../support/simulated-kernel'

const FILES = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'packaging/README.md',
  'packaging/cockpit/README.md',
  'packaging/fleet/README.md',
  'packaging/fleet/prometheus/runbooks.md',
  'packaging/fleet/ansible/README.md',
  'packaging/pcp/README.md',
  'test/vm/README.md',
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]
const textOf = (file: string): string => readFileSync(file, 'utf8')
const CODE = /```[\s\S]*?```|`([^`\n]+(?:\n[^`\n]+)?)`|^ {4}\S.*$/gm

/** Pieces of code: fenced blocks, indented lines, spans. Of a terminal only what was typed. */
function codeOf(text: string): string[] {
  return [...text.matchAll(CODE)].map(([whole, span]) =>
    whole.startsWith('```console') ? whole.replace(/^(?!# |```).*\n/gm, '') : (span ?? whole),
  )
}

/** `vqtune ...` as somebody would type it, up to a comment, a pipe or a full stop. */
function commandLines(text: string): string[] {
  return codeOf(text).flatMap((code) =>
    [
      ...code
        .replace(/\n/g, code.includes('```') ? '\n' : ' ')
        .matchAll(/(?<!swap)(?:^|\s)vqtune ([a-z][^#|;\n]*)/g),
    ].map(([, rest = '']) => rest.trim()),
  )
}

function problemOf(line: string): string | undefined {
  const words = line.split(/\s+/)
  const group = COMMANDS.some((command) => command.words[0] === words[0] && command.words.length > 1)
  if (group && words[1] === '...') return undefined
  const command = COMMANDS.filter(({ words: own }) => own.every((word, i) => words[i] === word)).sort(
    (a, b) => b.words.length - a.words.length,
  )[0]
  if (command === undefined) return 'no such command'
  const known = Object.keys({ ...GLOBAL_OPTIONS, ...command.options })
  const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words
  const unknown = own.filter((word) => word.startsWith('--')).find((word) => !known.includes(word.slice(2)))
  return unknown === undefined ? undefined : `no such option: ${unknown}`
}

test('the check itself sees what is wrong', () => {
  expect(commandLines('`vqtune frob` and\n\n    vqtune status --frob   # x\n')).toEqual([
    'frob',
    'status --frob',
  ])
  expect(commandLines('```console\n# vqtune plan\nrun vqtune apply, then\n```\n')).toEqual(['plan'])
  expect(problemOf('frob')).toBe('no such command')
  expect(problemOf('status --frob')).toBe('no such option: --frob')
  expect(problemOf('trial ens3 -- iperf3 --time 5')).toBeUndefined()
})

describe.each(FILES)('%s', (file) => {
  const text = textOf(file)

  test('command lines', () => {
    const wrong = commandLines(text).flatMap((line) => {
      const problem = problemOf(line)
      return problem === undefined ? [] : [`vqtune ${line}: ${problem}`]
    })
    expect(wrong).toEqual([])
  })

  test('linked files, and those in code that look like ours', () => {
    const links = [...text.matchAll(/\]\(([^)#]+?)(?:#[^)]*)?\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => join(dirname(file), target))
    const named = codeOf(text)
      .flatMap((code) => code.split(/\s+/))
      .filter((word) => /^(?:src|test|packaging|bench|docs|systemd)\/[\w./-]*\w$/.test(word))
      .filter((word) => !/\/(?:x|NAME)\b/.test(word))
    expect([...links, ...named].filter((path) => !existsSync(path))).toEqual([])
  })

  test('keys of vqtune.toml', async () => {
    const keys = grammarKeys()
    const tables = new Set(keys.map((key) => key.split('.')[0]?.replace('[]', '')))
    const dotted = codeOf(text)
      .filter((code) => /^[a-z]+\.[a-z]+(-[a-z]+)*$/.test(code))
      .filter((code) => tables.has(code.split('.')[0]))
    expect(dotted.filter((key) => !keys.includes(key))).toEqual([])
    for (const [, toml = ''] of text.matchAll(/```toml\n([\s\S]*?)```/g)) {
      expect(await parseFragment(file, toml), toml).toMatchObject({ ok: true })
    }
    const assigned = codeOf(text).flatMap((code) => /^([a-z]+(?:-[a-z]+)+) = \S+$/.exec(code)?.[1] ?? [])
    expect(assigned.filter((key) => !keys.some((known) => known.endsWith(key)))).toEqual([])
  })
})

test('exit codes agree with the program', () => {
  const expected = Object.values(EXIT)
  for (const file of ['README.md', 'docs/guide.md']) {
    const sentence = /Exit status[^.]*?0 [^.]*3 drift/.exec(textOf(file).replace(/\*\*/g, ''))?.[0]
    expect(
      [...(sentence ?? '').matchAll(/\b(\d) /g)].map(([, code]) => Number(code)),
      file,
    ).toEqual(expected)
  }
})

test('what the guide quotes is what the program says', () => {
  const source = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => textOf(`src/${name}`))
    .join('\n')
  const quoted = [...textOf('docs/guide.md').matchAll(/^\*\*("[^*]*")\.\*\*/gm)].flatMap(([, quotes = '']) =>
    [...quotes.matchAll(/"([^"]+)"/g)].flatMap(([, quote = '']) => quote.split('...')),
  )
  expect(quoted.length).toBeGreaterThan(5)
  expect(quoted.map((part) => part.trim()).filter((part) => !source.includes(part))).toEqual([])
})

test('the table of writers in the guide is the registry', () => {
  const rows = [...textOf('docs/guide.md').matchAll(/^\| `([^`|]+)` +\| ([^|]+?) +\| [^|]+\|$/gm)]
  const listed = rows.map(([, name, title]) => ({ name, title }))
  expect(listed).toEqual(WRITERS.map(({ name, title }) => ({ name, title })))
  expect(textOf('CHANGELOG.md')).toContain(`${WRITERS.length} other writers are known`)
})

test('metrics are named as the daemon names them, and the list of the fleet package is complete', () => {
  const health = { sources: new Map(), configValid: true, startedAt: 0 }
  const names = [
    ...guestFamilies(quietPass(guestOf([0], [])), DEFAULT_SETTINGS, health),
    ...new DaemonCounters().families([]),
    lastCheck(0),
  ].map(({ name }) => name)
  const listed = [...textOf('packaging/fleet/README.md').matchAll(/^\| (`[a-z].*?) *\|/gm)].flatMap(
    ([, cell = '']) => {
      const words = [...cell.matchAll(/`(_?[a-z_]+)/g)].map(([, word = '']) => word)
      return words.map((word) => (word.startsWith('_') ? `${words[0]}${word}` : word))
    },
  )
  expect(listed.sort()).toEqual(names.sort())
  const manuals = ['packaging/man/vqtune.8.in', 'packaging/man/vqtune.toml.5.in']
  const used = [...FILES, ...manuals].flatMap((file) =>
    // Not the names of recording rules, of the variables of role and playbook, and of the SELinux module.
    [...textOf(file).matchAll(/(?<![:\w])vqtune_([a-z_]+)(?=[`\s{])/g)].map(([, name = '']) => name),
  )
  const variables = [
    ...textOf('packaging/fleet/ansible/roles/vqtune/defaults/main.yml').matchAll(/^vqtune_(\w+):/gm),
    ...textOf('packaging/fleet/ansible/playbooks/rollout.yml').matchAll(/\bvqtune_(\w+)/g),
  ]
  const policy = [...textOf('packaging/selinux/vqtune.te').matchAll(/^(?:type |gen_tunable\()vqtune_(\w+)/gm)]
  expect(policy.length).toBeGreaterThan(3)
  const known = new Set([...names, ...[...variables, ...policy].map(([, name = '']) => name)])
  expect(used.length).toBeGreaterThan(3)
  expect(used.filter((name) => !known.has(name))).toEqual([])
})

test('docs/decisions lists its pages, and that of the libraries has each of them', () => {
  const pages = readdirSync('docs/decisions').filter((name) => name !== 'README.md')
  const links = [...textOf('docs/decisions/README.md').matchAll(/^\| \[([^\]]+)\]/gm)].map(([, page]) => page)
  expect(links.sort()).toEqual(pages.sort())
  const rows = [...textOf('docs/decisions/libraries.md').matchAll(/^\| `([^`]+)` +\|/gm)].map(
    ([, name]) => name,
  )
  expect(rows).toEqual(Object.keys(JSON.parse(textOf('package.json')).dependencies).sort())
})

describe('CONTRIBUTING', () => {
  const text = textOf('CONTRIBUTING.md')
  const questions = text.split(/^## /m).find((part) => part.startsWith('Ten questions')) ?? ''
  const rows = [...questions.matchAll(/^\| (.+\?) +\| (.+) \|$/gm)].map(([, question = '', answer = '']) => ({
    question,
    answer,
  }))

  test('has a row for each directory of src', () => {
    const [table = ''] = text.split(/^## /m)
    const rooms = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory())
    expect(rooms.map(({ name }) => name).filter((name) => !table.includes(`\`src/${name}/\``))).toEqual([])
  })

  test('answers ten questions', () => {
    expect(rows).toHaveLength(10)
  })

  test.each(rows)('$question in two hops, and they exist', ({ answer }) => {
    const hops = [...answer.matchAll(/`([\w./-]+\.(?:ts|service))`(?:: ((?:`\w+`(?:, )?)+))?/g)].map(
      ([, file = '', names = '']) => ({ file, names: [...names.matchAll(/\w+/g)].map(([name]) => name) }),
    )
    expect(hops.length).toBeGreaterThan(0)
    expect(hops.length).toBeLessThanOrEqual(2)
    expect(hops.flatMap(({ names }) => names).length).toBeGreaterThan(0)
    for (const { file, names } of hops) {
      const source = textOf(file)
      for (const name of names) expect(source, `${file}: ${name}`).toMatch(new RegExp(`\\b${name}\\b`))
    }
  })
})

test('functions and tests that the threat model names exist', () => {
  const text = textOf('docs/threat-model.md')
  const source = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => textOf(`src/${name}`))
    .join('\n')
  const functions = [...text.matchAll(/`(\w+)\(\)`/g)].map(([, name = '']) => name)
  expect(functions.length).toBeGreaterThan(3)
  expect(functions.filter((name) => !source.includes(`function ${name}(`))).toEqual([])
  const tests = [...text.matchAll(/(?<![(/])\btest\/[\w/-]+/g)].map(([path]) => path)
  expect(tests.length).toBeGreaterThan(10)
  expect(tests.filter((path) => !existsSync(path) && !existsSync(`${path}.test.ts`))).toEqual([])
})

test('the README names every command, and the picture is of this program', () => {
  const named = commandLines(textOf('README.md')).map((line) => line.split(' ')[0])
  expect([...new Set(COMMANDS.map(({ words }) => words[0]))].filter((word) => !named.includes(word))).toEqual(
    [],
  )
  const picture = textOf('docs/terminal.svg').replace(/<[^>]*>/g, '')
  const shown = [...picture.matchAll(/^# (vqtune .*)$/gm)].map(([, line]) => line)
  expect(shown).toEqual(['vqtune plan', 'vqtune apply', 'vqtune status'])
  expect(picture).toMatch(/2 channels, target 4[\s\S]*4 channels \(one per vCPU\)/)
})

test('the guide explains each conclusion of the report, in its order', () => {
  const section = textOf('docs/guide.md').split('## Why is this NIC slow')[1]?.split('\n## ')[0] ?? ''
  expect([...section.matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, id]) => id)).toEqual([
    'id',
    ...CONCLUSION_IDS,
  ])
})
