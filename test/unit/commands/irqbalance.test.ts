/** apply, rollback, status and explain on a guest with an irqbalance that can be asked. */
import { readFileSync, writeFileSync } from 'node:fs'
import { afterEach, expect, it } from 'vitest'
import { run as apply } from '../../../src/commands/apply'
import type { CommandContext } from '../../../src/commands/command'
import { run as explain } from '../../../src/commands/explain'
import { run as rollback } from '../../../src/commands/rollback'
import { run as status } from '../../../src/commands/status'
import { readHistory } from '../../../src/drift/history'
import { openSystem } from '../../../src/system/system'
import { type FakeIrqbalance, startIrqbalance } from '../../support/fake-irqbalance'
import { type GeneratedTree, generateTree } from '../../support/generated-tree'
import { expectSchema } from '../../support/schema'

const trees: GeneratedTree[] = []
afterEach(() => {
  for (const tree of trees.splice(0)) tree.remove()
})

async function setUp(options: Parameters<typeof startIrqbalance>[1] = {}) {
  const tree = generateTree(4, [
    { name: 'eth0', maximum: 4, current: 4, counts: [2] },
    { name: 'eth1', maximum: 4, current: 4, counts: [2] },
  ])
  trees.push(tree)
  const { root } = tree
  const irqbalance: FakeIrqbalance = await startIrqbalance(root, { banned: [5], ...options })
  const system = openSystem(root)
  const vqtune = async (
    verb: (context: CommandContext) => number | Promise<number>,
    given: CommandContext['options'] = {},
    positionals: readonly string[] = [],
  ) => {
    const out: string[] = []
    const warnings: string[] = []
    const code = await verb({
      ...{ system, positionals, configFile: undefined, color: false, options: given },
      out: (text) => void out.push(text),
      warn: (text) => void warnings.push(text.replace(root, '')),
      signal: new AbortController().signal,
    })
    return { code, out: out.join(''), warnings }
  }
  return { root, system, irqbalance, vqtune }
}

it('apply asks, also after a rollback, which gives back; both say so and record it', async () => {
  const { vqtune, irqbalance, system, root } = await setUp()
  for (const irq of [24, 26]) writeFileSync(`${root}/proc/irq/${irq}/smp_affinity_list`, '3')
  const first = await vqtune(apply)
  expect(first).toMatchObject({ code: 0, warnings: [] })
  expect(first.out).toContain('irqbalance: asked to leave 16 interrupts alone\n')
  const all = irqbalance.banned()
  expect(all).toHaveLength(17)
  expect((await vqtune(apply)).out).not.toContain('irqbalance')

  expect((await vqtune(rollback, {}, ['eth0'])).out).toContain('irqbalance: 8 interrupts given back\n')
  expect(irqbalance.banned()).toHaveLength(9)
  expect((await vqtune(apply, { unattended: true })).out).not.toContain('irqbalance')
  expect((await vqtune(apply, {}, ['eth0'])).out).toContain(
    'irqbalance: asked to leave 16 interrupts alone\n',
  )
  expect(irqbalance.banned()).toEqual(all)

  expect((await vqtune(rollback, { irqbalance: true }, ['eth1'])).out).toBe(
    'irqbalance: 8 interrupts given back\n',
  )
  expect((await vqtune(rollback, { irqbalance: true })).out).toBe('irqbalance: 8 interrupts given back\n')
  expect((await vqtune(rollback, { irqbalance: true })).out).toBe('irqbalance: nothing to give back\n')
  expect(irqbalance.banned()).toEqual([5])
  // Settings and holds stay as they are.
  expect((await vqtune(apply, { boot: true })).out).toContain(
    'irqbalance: asked to leave 16 interrupts alone\n',
  )
  expect(
    readHistory(system).records.map(({ action, old, new: now }) => `${action}: ${old} -> ${now}`),
  ).toEqual([
    'asked: 0 interrupts -> 16 interrupts',
    'given-back: 16 interrupts -> 8 interrupts',
    'asked: 8 interrupts -> 16 interrupts',
    'given-back: 16 interrupts -> 8 interrupts',
    'given-back: 8 interrupts -> 0 interrupts',
  ])
})

it('as JSON, as the schemas say', async () => {
  const { vqtune } = await setUp()
  const json = async (...args: Parameters<typeof vqtune>) => JSON.parse((await vqtune(...args)).out)
  const applied = await json(apply, { json: true })
  expectSchema('apply', applied)
  expect(applied.irqbalance).toMatchObject({ pid: 812, problem: null })
  expect(applied.irqbalance.interrupts).toHaveLength(16)
  const shown = await json(status, { json: true })
  expectSchema('status', shown)
  expect(shown.irqbalance).toEqual(applied.irqbalance)
  const explained = await json(explain, { json: true }, ['eth1'])
  expectSchema('explain', explained)
  expect(explained.irqbalance.interrupts).toHaveLength(8)
  const given = await json(rollback, { json: true, irqbalance: true })
  expectSchema('rollback-irqbalance', given)
  expect(given.irqbalance).toEqual({ pid: 812, interrupts: [], problem: null })
  const rolled = await json(rollback, { json: true })
  expectSchema('rollback', rolled)
})

it('status and explain show it', async () => {
  const { vqtune } = await setUp()
  await vqtune(apply)
  expect((await vqtune(status)).out).toContain('\nirqbalance: asked to leave 16 interrupts alone\n')
  const { out } = await vqtune(explain, {}, ['eth0'])
  expect(out).toContain('\nirqbalance: asked to leave 8 interrupts alone\n')
  expect(out).toContain(
    '  possibly irqbalance (pid 812): was asked to leave the 8 interrupts of the queues alone, and may move them all the same\n',
  )
})

it('one that cannot be asked is a warning, and nothing else', async () => {
  const { vqtune, root } = await setUp({ behave: (socket) => void socket.end('?') })
  const { code, warnings } = await vqtune(apply)
  expect(code).toBe(0)
  expect(warnings).toEqual([
    'irqbalance cannot be asked: /run/irqbalance/irqbalance812.sock: an answer that is not understood (?)',
  ])
  writeFileSync(`${root}/proc/irq/24/smp_affinity_list`, '3')
  expect((await vqtune(apply)).code).toBe(0)
  expect(readFileSync(`${root}/proc/irq/24/smp_affinity_list`, 'utf8').trim()).toBe('0')
  expect((await vqtune(rollback)).code).toBe(0)
})
