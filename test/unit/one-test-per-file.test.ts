import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** src/X/Y.ts is tested by test/unit/X/Y.test.ts, so that both are found from either. Below: what is not, and why. */
const top = fileURLToPath(new URL('../..', import.meta.url))

function filesBelow(directory: string): readonly string[] {
  return readdirSync(`${top}${directory}`, { recursive: true, encoding: 'utf8' })
}

/** Directories whose files are tested together. */
const TOGETHER: Readonly<Record<string, string>> = {
  'advice/platforms/': 'a table of DMI strings, platforms and texts: advice/platforms/platforms.test.ts',
  'output/schemas/':
    'the documents of real runs are checked against them: test/cli, test/packaging/schemas.test.ts',
  'commands/host/':
    'whole verbs, with real libvirt: test/cli/host.test.ts, host-stacks.test.ts, test/vm/host-*.test.ts',
}

/** Files that are tested as a program, below test/cli and test/vm. */
const AS_A_PROGRAM = new Set([
  ...['cli', 'cli-daemon', 'cli-full', 'main'],
  ...['apply', 'capture', 'config-set', 'config-unset', 'daemon', 'drift', 'help', 'plan', 'report'].map(
    (verb) => `commands/${verb}`,
  ),
  ...['rollback', 'status', 'trial', 'watch'].map((verb) => `commands/${verb}`),
])

/** Only types, constants and texts. */
const WITHOUT_LOGIC = new Set([
  'model',
  'version',
  'commands/command',
  'report/html/style',
  'report/judged',
  'hypervisor/libvirt/limits',
])

const sources = filesBelow('src')
  .filter((path) => /\.tsx?$/.test(path))
  .map((path) => path.replace(/\.tsx?$/, ''))
const tests = new Set(
  filesBelow('test/unit')
    .filter((path) => /\.test\.tsx?$/.test(path))
    .map((path) => path.replace(/\.test\.tsx?$/, '')),
)
const isTogether = (path: string): boolean =>
  Object.keys(TOGETHER).some((directory) => path.startsWith(directory))

test('each source file has a test of its name, or a reason', () => {
  const without = sources.filter(
    (path) =>
      !tests.has(path) && !isTogether(path) && ![AS_A_PROGRAM, WITHOUT_LOGIC].some((set) => set.has(path)),
  )
  expect(without).toEqual([])
})

test('no exception is out of date', () => {
  const exceptions = [...AS_A_PROGRAM, ...WITHOUT_LOGIC]
  expect(exceptions.filter((path) => tests.has(path) || !sources.includes(path))).toEqual([])
  expect(
    Object.keys(TOGETHER).filter((directory) => !sources.some((path) => path.startsWith(directory))),
  ).toEqual([])
})

test('what is said to have no logic has none', () => {
  const withLogic = [...WITHOUT_LOGIC].filter((path) =>
    /^(?:export )?(?:async )?function|^export class|=> \{$/m.test(
      readFileSync(`${top}src/${path}.ts`, 'utf8'),
    ),
  )
  expect(withLogic.map((path) => basename(path))).toEqual([])
})
