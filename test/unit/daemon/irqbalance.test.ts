/** The daemon's passes on a guest with an irqbalance that can be asked. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS, type Settings } from '../../../src/config/settings'
import { ReconcileLoop } from '../../../src/daemon/reconcile-loop'
import { readHistory } from '../../../src/drift/history'
import { rollbackOperation } from '../../../src/planner/operations'
import { converge } from '../../../src/planner/reconcile'
import { openSystem } from '../../../src/system/system'
import { startIrqbalance } from '../../support/fake-irqbalance'
import { type GeneratedTree, generateTree } from '../../support/generated-tree'

const trees: GeneratedTree[] = []
afterEach(() => {
  for (const tree of trees.splice(0)) tree.remove()
})

function setUp() {
  const tree = generateTree(4, [
    { name: 'eth0', maximum: 4, current: 4, counts: [2, 3] },
    { name: 'eth1', maximum: 1, current: 1, counts: [] },
  ])
  trees.push(tree)
  const { root } = tree
  const system = openSystem(root)
  const clock = { now: 1_800_000_000_000 }
  const told: string[] = []
  const loop = new ReconcileLoop(
    system,
    {
      drift: ({ kind, writer, evidence, action }) =>
        void told.push(`${kind} ${writer === 'unknown' ? evidence : writer} ${action}`),
      write: () => {},
      conflict: (nic, { name }) => void told.push(`fight ${nic} ${name}`),
      reverted: () => {},
      irqbalance: ({ added, released }) => void told.push(`irqbalance +${added.length} -${released.length}`),
      problem: (topic, text) => {
        if (text !== undefined) told.push(`problem ${topic}: ${text.replace(root, '')}`)
      },
    },
    new AbortController().signal,
    { wall: () => clock.now, uptime: () => clock.now },
  )
  return {
    ...{ root, system, clock, loop },
    pass: (switches: Record<string, boolean | string> = {}) => {
      const rules = [{ match: {}, settings: { switches }, source: 'test' }]
      const settings: Settings = { ...DEFAULT_SETTINGS, rules }
      return loop.run(settings)
    },
    move: () => writeFileSync(`${root}/proc/irq/26/smp_affinity_list`, '3'),
    tell: () => told.splice(0),
  }
}

describe('a pass', () => {
  it('asks irqbalance to leave the interrupts of several queues alone, once, and records it', async () => {
    const { pass, tell, root, system } = setUp()
    const irqbalance = await startIrqbalance(root, { banned: [5] })
    const { irqbalance: asked } = await pass()
    expect(asked.nics.map(({ name, irqs }) => `${name} ${irqs.length}`)).toEqual(['eth0 8'])
    expect(irqbalance.banned()).toEqual([5, ...(asked.nics[0]?.irqs ?? [])])
    expect(tell()).toEqual(['irqbalance +8 -0'])
    await pass()
    expect(tell()).toEqual([])
    expect(readHistory(system).records).toEqual([
      {
        at: '2027-01-15T08:00:00.000Z',
        ...{ kind: 'irqbalance', nic: null, old: '0 interrupts', new: '8 interrupts' },
        ...{ writer: 'vqtune', action: 'asked', why: '' },
        evidence: 'irqbalance (pid 812) confirmed which interrupts it leaves alone',
      },
    ])
  })

  it.each([{ affinity: false }, { irqbalance: 'leave' }])('with %j gives them back', async (switches) => {
    const { pass, tell, root } = setUp()
    const irqbalance = await startIrqbalance(root, { banned: [5] })
    await pass()
    await pass(switches)
    expect(irqbalance.banned()).toEqual([5])
    expect(tell()).toEqual(['irqbalance +8 -0', 'irqbalance +0 -8'])
    await pass()
    expect(tell()).toEqual(['irqbalance +8 -0'])
  })

  it('gives back after a rollback', async () => {
    const { pass, tell, root, system, move } = setUp()
    move()
    const irqbalance = await startIrqbalance(root)
    await pass()
    expect(irqbalance.banned()).toHaveLength(8)
    await converge(system, rollbackOperation(system, 'eth0'))
    await pass()
    expect(irqbalance.banned()).toEqual([])
    expect(tell()).toContain('irqbalance +0 -8')
  })

  it('gives back when the NIC is gone', async () => {
    const { pass, root } = setUp()
    const irqbalance = await startIrqbalance(root)
    await pass()
    renameSync(`${root}/sys/class/net/eth0`, `${root}/unplugged`)
    expect((await pass()).irqbalance.nics).toEqual([])
    expect(irqbalance.banned()).toEqual([])
  })
})

describe('interrupts that irqbalance moves', () => {
  it('before it was asked are no reversal, however often it starts', async () => {
    const { pass, tell, root, move } = setUp()
    await pass()
    for (const pid of [901, 902, 903, 904]) {
      const irqbalance = await startIrqbalance(root, { pid })
      move()
      await pass()
      expect(irqbalance.banned()).toHaveLength(8)
      expect(tell()).toEqual(['irqbalance +8 -0', 'irq-affinity irqbalance repaired'])
      await irqbalance.stop()
      rmSync(`${root}/run/irqbalance`, { recursive: true })
      rmSync(`${root}/proc/${pid}`, { recursive: true })
    }
  })

  it('after somebody had emptied its list are no reversal either', async () => {
    const { pass, tell, root, move } = setUp()
    const irqbalance = await startIrqbalance(root)
    await pass()
    for (let i = 0; i < 4; i++) {
      irqbalance.ban([])
      move()
      await pass()
    }
    expect(tell().filter((line) => line.startsWith('fight'))).toEqual([])
    expect(irqbalance.banned()).toHaveLength(8)
  })

  it('although it was asked to leave them alone: a suspect, not named for a fact, and a conflict', async () => {
    const { pass, tell, root, move } = setUp()
    await startIrqbalance(root)
    await pass()
    for (let i = 0; i < 3; i++) {
      move()
      await pass()
    }
    const suspect =
      'irq-affinity possibly irqbalance (pid 812) was asked to leave the 8 interrupts of the queues alone, and may move them all the same'
    expect(tell()).toEqual([
      'irqbalance +8 -0',
      `${suspect} repaired`,
      `${suspect} repaired`,
      'fight eth0 unknown',
      `${suspect} backed-off`,
      'irqbalance +0 -8',
    ])
  })
})

describe('an irqbalance that does not answer', () => {
  it('is a problem only when it has had time to start, costs no further pass its time limit, and stops nothing', async () => {
    const { pass, tell, root, clock, loop, move } = setUp()
    const asked: Socket[] = []
    await startIrqbalance(root, { behave: (socket) => void asked.push(socket.end('?')) })
    expect((await pass()).missing).toEqual([])
    await pass()
    expect(asked.length).toBe(1)
    expect(tell()).toEqual([])
    clock.now += 61_000
    await pass()
    expect(asked.length).toBe(2)
    expect(tell()).toEqual([
      'problem irqbalance: irqbalance cannot be asked: /run/irqbalance/irqbalance812.sock: an answer that is not understood (?)',
    ])
    // Its socket changed, or it moved an interrupt: at once.
    loop.irqbalanceChanged()
    await pass()
    expect(asked.length).toBe(3)
    move()
    await pass()
    expect(asked.length).toBe(4)
    expect(tell()).toContain('irq-affinity irqbalance repaired')
  })

  it('because a vCPU went holds up no repair of what the kernel moved with it', async () => {
    const { pass, tell, root } = setUp()
    const channels = (): string => readFileSync(`${root}/sys/class/net/eth0/current`, 'utf8').trim()
    await pass()
    const seen: string[] = []
    const behave = (socket: Socket): void => {
      seen.push(channels())
      socket.end('?')
    }
    await startIrqbalance(root, { behave })
    writeFileSync(`${root}/sys/devices/system/cpu/online`, '0-2\n')
    for (const irq of [30, 31]) writeFileSync(`${root}/proc/irq/${irq}/smp_affinity_list`, '0\n')
    writeFileSync(`${root}/sys/class/net/eth0/queues/tx-3/xps_cpus`, '1\n')
    await pass()
    expect(tell()).toContain('irq-affinity kernel repaired')
    expect(seen).toEqual(['3'])
  })

  it('has ended: nothing is asked for', async () => {
    const { pass, root } = setUp()
    const irqbalance = await startIrqbalance(root)
    await pass()
    await irqbalance.stop()
    rmSync(`${root}/run/irqbalance`, { recursive: true })
    rmSync(`${root}/proc/812`, { recursive: true })
    expect((await pass()).irqbalance).toEqual({
      ...{ pid: undefined, nics: [], added: [], released: [], problem: undefined },
    })
  })
})
