import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterEach, expect, it, vi } from 'vitest'
import { DEFAULT_SETTINGS } from '../../../src/config/settings'
import { ReconcileLoop } from '../../../src/daemon/reconcile-loop'
import { readHistory } from '../../../src/drift/history'
import { takeLock } from '../../../src/system/lock'
import { countLooks } from '../../support/counted-looks'
import { type GeneratedTree, generateTree } from '../../support/generated-tree'

/** The real lock, waited for a tenth of a second. */
vi.mock('../../../src/system/lock', async (importActual) => {
  const actual = await importActual<typeof import('../../../src/system/lock')>()
  const briefly: typeof takeLock = (system, purpose, _, signal) =>
    actual.takeLock(system, purpose, 100, signal)
  return { ...actual, takeLock: briefly }
})

const RETRY_MS = 5_000
const HALF_AN_HOUR_MS = 30 * 60_000
const trees: GeneratedTree[] = []
afterEach(() => {
  for (const tree of trees.splice(0)) tree.remove()
})

/** A daemon after its first pass, on a guest with 4 vCPUs and one NIC, and a clock that is set by hand. */
async function setUp() {
  const tree = generateTree(4, [{ name: 'eth0', maximum: 4, current: 4, counts: [1, 2] }])
  trees.push(tree)
  const { root } = tree
  const { system, beforeLook } = countLooks(root)
  const clock = { now: 1_800_000_000_000 }
  const told: string[] = []
  const none = (): void => {}
  const loop = new ReconcileLoop(
    system,
    {
      drift: ({ kind, writer, action }) => void told.push(`${kind} ${writer} ${action}`),
      write: ({ step }) => void told.push(`wrote ${step.tunable}`),
      ...{ conflict: none, reverted: none, irqbalance: none },
      problem: (topic, text) => {
        if (text !== undefined) told.push(`${topic}: ${text.replaceAll(root, '')}`)
      },
    },
    new AbortController().signal,
    { wall: () => clock.now, uptime: () => clock.now },
  )
  const pass = () => loop.run(DEFAULT_SETTINGS)
  await pass()
  told.splice(0)
  return {
    ...{ system, clock, pass, beforeLook },
    tell: () => told.splice(0),
    setChannels: (count: number) =>
      void execFileSync(`${root}/usr/sbin/ethtool`, ['-L', 'eth0', 'combined', String(count)]),
    channels: () => Number(readFileSync(`${root}/sys/class/net/eth0/current`, 'utf8')),
  }
}

it('leaves alone what a trial changes, and judges the result when the trial is over', async () => {
  const { pass, setChannels, channels, system, tell } = await setUp()
  const lock = await takeLock(system, 'trial')
  setChannels(2)
  expect((await pass()).againMs).toBe(RETRY_MS)
  expect([tell(), channels()]).toEqual([[], 2])
  setChannels(4)
  lock.release()
  expect((await pass()).againMs).toBeUndefined()
  expect(tell()).toEqual([])
  expect(readHistory(system).records).toEqual([])
})

it('stands aside, too, when the trial began after the pass had looked', async () => {
  const { pass, setChannels, channels, beforeLook, system, tell } = await setUp()
  const lock = await takeLock(system, 'trial')
  // The pass's own look sees no drift; the one that finds that the lock is needed does.
  beforeLook(2, () => setChannels(2))
  expect(await pass()).toMatchObject({ problem: undefined, changes: [], missing: [], againMs: RETRY_MS })
  expect([tell(), channels()]).toEqual([[], 2])
  // Killed: what it left is drift, and repaired.
  lock.release()
  await pass()
  expect([tell(), channels()]).toEqual([['wrote channels', 'channels unknown repaired'], 4])
})

it('says so when another vqtune has the lock for half an hour, and counts from zero the next time', async () => {
  const { pass, setChannels, clock, system, tell } = await setUp()
  const lock = await takeLock(system, 'apply')
  setChannels(2)
  await pass()
  clock.now += HALF_AN_HOUR_MS - 1
  await pass()
  expect(tell()).toEqual([])
  clock.now += 1
  await pass()
  expect(tell()).toEqual([
    `lock: timed out after 0.1 s waiting for the lock held by vqtune apply (PID ${process.pid}); /run/vqtune/lock is released when that process exits`,
  ])
  setChannels(4)
  lock.release()
  await pass()
  expect(tell()).toEqual([])

  const again = await takeLock(system, 'apply')
  setChannels(2)
  await pass()
  again.release()
  expect(tell()).toEqual([])
})
