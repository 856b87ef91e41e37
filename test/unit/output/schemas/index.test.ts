/** Each verb's JSON on each captured guest, as its schema says. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OptionValues } from '../../../../src/commands/command'
import { COMMANDS } from '../../../../src/commands/registry'
import { judge } from '../../../../src/hypervisor/zerocopy/probe'
import { jsonSchema, SCHEMAS, type SchemaName } from '../../../../src/output/schemas/index'
import type { System } from '../../../../src/system/system'
import { capturedGuest, guestNames } from '../../../support/captured-guest'
import { expectSchema, schema } from '../../../support/schema'
import { systemWith } from '../../../support/systems'
import { recorded } from '../../hypervisor/recorded'

const NAMES = Object.keys(SCHEMAS) as SchemaName[]

const directories: string[] = []
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})

/** What `vqtune VERB --json` prints. */
async function printed(
  system: System,
  verb: string,
  options: OptionValues = {},
  ...positionals: readonly string[]
): Promise<Record<string, unknown>> {
  const command = COMMANDS.find(({ words }) => words.join(' ') === verb)
  if (command === undefined) throw new Error(`no verb ${verb}`)
  const { run } = await command.load()
  const parts: string[] = []
  await run({
    system,
    positionals,
    options: { ...options, json: true },
    configFile: undefined,
    out: (text) => parts.push(text),
    warn: () => undefined,
    color: false,
    signal: new AbortController().signal,
  })
  return JSON.parse(parts.join(''))
}

describe('schemas', () => {
  it('are of the verbs that print JSON, each', () => {
    const verbs = COMMANDS.filter(({ options }) => options?.json !== undefined).map(({ words }) => words)
    const lists = COMMANDS.filter(({ options }) => options?.json && options.list).map(({ words }) => words)
    expect([...NAMES].sort()).toEqual(
      [
        ...verbs.map((words) => words.join('-')),
        ...lists.map((words) => `${words.join('-')}-list`),
        // Those of config set and unset are as the change itself.
        'rollback-dry-run',
        'rollback-irqbalance',
        'trial-progress',
      ].sort(),
    )
    for (const words of verbs) {
      const name = words.join('-') as SchemaName
      expect(SCHEMAS[name].meta()?.title).toBe(`vqtune ${words.join(' ')} --json`)
    }
  })

  it.each(NAMES)('%s says what it is, and of which version', (name) => {
    expect(jsonSchema(name)).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: `file:///usr/share/vqtune/schema/${name}.schema.json`,
      $comment: expect.stringMatching(/^of vqtune \S+$/),
      title: expect.stringMatching(/^vqtune [a-z -]+ --json$/),
      properties: { version: { const: 1, description: expect.any(String) } },
    })
  })

  it('take fields of later versions, and numbers of 64 bits', () => {
    const json = { version: 1, drift: [], later: true }
    expect(schema('drift')(json)).toBe(true)
    expect(schema('drift', 'closed')(json)).toBe(false)
    const probe = { version: 1, seconds: 1, ...judge(new Map(), 2 ** 60), running: null, interrupted: false }
    expect(schema('host-zerocopy-probe')(probe)).toBe(true)
  })
})

it('of a hypervisor: zero copy', async () => {
  const ethtool = { code: 0, stdout: 'scatter-gather: on\n', stderr: '' }
  const ip = { code: 0, stdout: recorded('ip-link.json'), stderr: '' }
  const system = Object.assign(
    systemWith({
      '/proc/modules': 'vhost_net 36864 2 - Live 0x0\n',
      '/sys/module/vhost_net/parameters/experimental_zcopytx': '0\n',
      '/etc/modprobe.d/vhost.conf': 'options vhost_net experimental_zcopytx=1\n',
    }),
    { run: async (tool: string) => (tool === 'ip' ? ip : ethtool) },
  )
  const status = await printed(system, 'host zerocopy status')
  expect(status).toMatchObject({ running: false, configured: { value: '1' }, drift: true })
  expectSchema('host-zerocopy-status', status)
  const counted = judge(new Map([[1, 3]]), 4)
  expectSchema('host-zerocopy-probe', {
    ...{ version: 1, seconds: 1.5, ...counted },
    ...{ running: true, interrupted: false },
  })
})

/** The guest, with what is written to it kept in memory. Its ethtool sets nothing. */
function writable(guest: string): System {
  const { system } = capturedGuest(guest)
  const written = new Map<string, string>()
  const write = (path: string, text: string) => void written.set(path, text)
  // The lock is a file.
  const runDir = mkdtempSync(join(tmpdir(), 'vqtune-run-'))
  directories.push(runDir)
  return Object.assign(Object.create(system), {
    paths: { ...system.paths, runDir },
    readText: (path: string) => written.get(path) ?? system.readText(path),
    mayWrite: true,
    ...{ writeAttribute: write, replaceFile: write },
  })
}

describe('of each captured guest', () => {
  const guests = guestNames()
  let reports: ReadonlyMap<string, object>
  beforeAll(async () => {
    // Side by side, as each takes a second.
    const measured = guests.map(async (guest): Promise<[string, object]> => {
      return [guest, await printed(capturedGuest(guest).system, 'report', { window: '1' })]
    })
    reports = new Map(await Promise.all(measured))
  }, 60_000)

  describe.concurrent.each(guests)('%s', (guest) => {
    it('what changes nothing', async () => {
      const { system } = capturedGuest(guest)
      for (const verb of ['status', 'plan', 'drift'] as const) {
        expectSchema(verb, await printed(system, verb))
      }
      const checked = await printed(system, 'config check')
      expectSchema('config-check', checked)
      for (const { name } of checked.nics as { name: string }[]) {
        expectSchema('explain', await printed(system, 'explain', {}, name))
      }
      expectSchema('report', reports.get(guest))
      const file = join(mkdtempSync(join(tmpdir(), 'vqtune-capture-')), `${guest}.tar.gz`)
      directories.push(dirname(file))
      expectSchema('capture', await printed(system, 'capture', {}, file))
    })

    it('apply, explain afterwards, rollback', async () => {
      const system = writable(guest)
      const applied = await printed(system, 'apply')
      expectSchema('apply', applied)
      const touched = (applied.outcomes as { nic: string }[]).map(({ nic }) => nic)
      for (const nic of new Set(touched)) {
        expectSchema('explain', await printed(system, 'explain', {}, nic))
      }
      expectSchema('rollback-dry-run', await printed(system, 'rollback', { 'dry-run': true }))
      expectSchema('rollback', await printed(system, 'rollback'))
    })
  })
})
