import { writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { askAfterApply, giveBack } from '../../../src/commands/apply-irqbalance'
import type { CommandContext } from '../../../src/commands/command'
import { DEFAULT_SETTINGS } from '../../../src/config/settings'
import { readHistory } from '../../../src/drift/history'
import { observeGuest } from '../../../src/planner/observe'
import { openSystem } from '../../../src/system/system'
import { commandOn } from '../../support/command-context'
import { startIrqbalance } from '../../support/fake-irqbalance'
import { type GeneratedTree, generateTree } from '../../support/generated-tree'

const trees: GeneratedTree[] = []
afterEach(() => {
  for (const tree of trees.splice(0)) tree.remove()
})

/** A guest with one NIC of four queues, with or without an irqbalance. */
async function setUp(options: CommandContext['options'] = {}, isRunning = true) {
  const tree = generateTree(4, [{ name: 'eth0', maximum: 4, current: 4, counts: [] }])
  trees.push(tree)
  if (isRunning) await startIrqbalance(tree.root)
  const system = openSystem(tree.root)
  const guest = await observeGuest(system, {})
  const { context, said, warnings } = commandOn(system, { options })
  return {
    ...{ root: tree.root, said, warnings },
    ask: () => askAfterApply(context, DEFAULT_SETTINGS, guest, undefined),
    giveBack: () => giveBack(context, undefined, 16),
    history: () => readHistory(system).records.map(({ action, new: now }) => `${action} ${now}`),
  }
}

describe('after apply, irqbalance', () => {
  it('is asked for the interrupts of the queues, once; it is told and recorded', async () => {
    const { ask, giveBack, said, history } = await setUp()
    expect((await ask()).added).toHaveLength(8)
    expect((await ask()).added).toEqual([])
    expect((await giveBack()).released).toHaveLength(8)
    expect(said).toEqual([
      'irqbalance: asked to leave 8 interrupts alone\n',
      'irqbalance: 8 interrupts given back\n',
    ])
    expect(history()).toEqual(['asked 8 interrupts', 'given-back 0 interrupts'])
  })

  it('is nothing to speak of where none runs', async () => {
    const { ask, said, warnings, history } = await setUp({}, false)
    expect(await ask()).toMatchObject({ pid: undefined, added: [] })
    expect([said, warnings, history()]).toEqual([[], [], []])
  })

  it('is part of the document with --json, not a line of its own', async () => {
    const { ask, said, history } = await setUp({ json: true })
    await ask()
    expect(said).toEqual([])
    expect(history()).toHaveLength(1)
  })

  it('is not recorded at boot, when the state directory may not be there yet', async () => {
    const { ask, said, history } = await setUp({ boot: true })
    await ask()
    expect(said).toHaveLength(1)
    expect(history()).toEqual([])
  })

  it('is asked all the same where that cannot be recorded', async () => {
    const { ask, root, warnings } = await setUp()
    writeFileSync(`${root}/var`, '')
    expect((await ask()).added).toHaveLength(8)
    expect(warnings).toHaveLength(1)
  })
})
