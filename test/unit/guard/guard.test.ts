import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { DEFAULT_SETTINGS, type Settings } from '../../../src/config/settings'
import { channelChanges } from '../../../src/daemon/outcome'
import { Guard } from '../../../src/guard/guard'
import { readLedger } from '../../../src/planner/ledger'
import { applyOperation, rollbackOperation } from '../../../src/planner/operations'
import { converge } from '../../../src/planner/reconcile'
import { regressionHoldsOf } from '../../../src/planner/regression-hold'
import { openSystem, type System } from '../../../src/system/system'
import { type GeneratedTree, generateTree } from '../../support/generated-tree'

/** So long that the timer does not fire in a test: it is ticked by hand. */
const WINDOW_SECONDS = 3_600
const SLICE_MS = 360_000

const trees: GeneratedTree[] = []
const guards: Guard[] = []
afterEach(async () => {
  for (const guard of guards.splice(0)) await guard.close()
  for (const tree of trees.splice(0)) tree.remove()
})

function settingsWith(cap: number | undefined, enabled = true): Settings {
  return {
    ...DEFAULT_SETTINGS,
    rules: [{ match: {}, settings: { cap }, source: 'test' }],
    guard: { ...DEFAULT_SETTINGS.guard, enabled, windowSeconds: WINDOW_SECONDS },
  }
}

/** A guest with 4 vCPUs whose NIC is capped to one channel, a daemon's passes, and traffic by the number of channels. */
async function setUp(loss: number, enabled = true) {
  const tree = generateTree(4, [{ name: 'eth0', maximum: 4, current: 1, counts: [4] }])
  trees.push(tree)
  const { root } = tree
  mkdirSync(`${root}/proc/net`, { recursive: true })
  const system = openSystem(root)
  const state = {
    settings: settingsWith(1, enabled),
    nowMs: 0,
    bytes: 0,
    replans: 0,
    reads: 0,
    demand: 1e6,
    errno: '',
  }
  const told: string[] = []
  const reading: System = Object.create(system, {
    readText: {
      value: (path: string) => {
        if (path === system.paths.procNetDev) state.reads++
        if (state.errno !== '') throw Object.assign(new Error(state.errno), { code: state.errno })
        return system.readText(path)
      },
    },
  })
  const newGuard = (): Guard => {
    const guard = new Guard(
      reading,
      state.settings,
      {
        verdict: ({ nic, verdict, from, to, why }) =>
          void told.push(`${nic} ${verdict} ${from} ${to}: ${why}`),
        problem: (_, text) => {
          if (text !== undefined) told.push(`trouble: ${text}`)
        },
      },
      () => void state.replans++,
      () => state.nowMs,
    )
    guards.push(guard)
    return guard
  }
  let guard = newGuard()
  const channels = () => Number(readFileSync(`${root}/sys/class/net/eth0/current`, 'utf8'))
  const counts: number[] = [1]
  const pass = async (): Promise<void> => {
    const result = await converge(system, applyOperation(system, state.settings, { respectHolds: true }))
    const { guest, ledger } = result
    const regressionHolds = regressionHoldsOf(guest, ledger, state.settings)
    guard.afterPass({ guest, changes: channelChanges(result), regressionHolds })
    if (channels() !== counts.at(-1)) counts.push(channels())
  }
  const tick = async (times = 1): Promise<void> => {
    for (let i = 0; i < times; i++) {
      state.nowMs += SLICE_MS
      state.bytes += Math.round(state.demand * 360 * (channels() === 1 ? 1 : 1 - loss))
      const packets = Math.floor(state.bytes / 1_000)
      writeFileSync(`${root}/proc/net/dev`, `eth0: ${state.bytes} ${packets} 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n`)
      await guard.tick()
      while (state.replans > 0) {
        state.replans = 0
        await pass()
      }
    }
  }
  const becomes = async (count: number): Promise<void> => {
    for (let ticks = 0; channels() !== count && ticks < 40; ticks++) await tick()
    expect(channels()).toBe(count)
  }
  const configure = async (settings: Settings): Promise<void> => {
    state.settings = settings
    guard.configure(settings)
    await pass()
  }
  const regressionHold = () =>
    readLedger(system, '8a9b7c6d-0000-4000-8000-000000000000').entries[0]?.regressionHold
  await pass()
  return {
    ...{ system, state, told, counts, pass, tick, becomes, configure, channels, regressionHold },
    apply: () => converge(system, applyOperation(system, state.settings, { respectHolds: false })),
    /** kill -9, and a new daemon. */
    replaceGuard: async () => {
      guard = newGuard()
      await pass()
    },
    guard: () => guard,
  }
}

describe('Guard', () => {
  test('reads nothing while it is off', async () => {
    const { tick, configure, state, told } = await setUp(0.8, false)
    await configure(settingsWith(undefined, false))
    expect(state.reads).toBe(0)
    expect(told).toEqual([])
    await tick()
    expect(state.reads).toBe(1)
  })

  test('leaves out readings that fail', async () => {
    const { tick, configure, state, told, channels } = await setUp(0.8)
    state.errno = 'EMFILE'
    await tick(12)
    state.errno = ''
    await configure(settingsWith(undefined))
    expect(channels()).toBe(4)
    expect(told).toEqual([expect.stringMatching(/no baseline to compare with$/)])
  })

  test('steps back from a regression after two cycles, once, and remembers it', async () => {
    const { tick, configure, channels, told, counts, regressionHold, pass, replaceGuard } = await setUp(0.8)
    await tick(12)
    await configure(settingsWith(undefined))
    expect(channels()).toBe(4)
    await tick(80)
    expect(counts).toEqual([1, 4, 1, 4, 1])
    expect(told).toEqual([
      'eth0 guard-reduced 4 1: 1.6 instead of 8 Mb/s with 4 instead of 1 channels, 2 times in a row',
    ])
    expect(regressionHold()).toMatchObject({ from: 4, to: 1, confirmed: true, vcpus: 4, maximum: 4 })
    await pass()
    await replaceGuard()
    await tick(40)
    expect(channels()).toBe(1)
    expect(told).toHaveLength(1)
  })

  test("tries again after a change of the configuration, and not after an administrator's apply", async () => {
    const { tick, configure, channels, told, regressionHold, apply, pass } = await setUp(0.8)
    await tick(12)
    await configure(settingsWith(undefined))
    await tick(80)
    expect(channels()).toBe(1)
    await apply()
    await pass()
    await tick(80)
    expect(channels()).toBe(4)
    expect(regressionHold()).toBeUndefined()
    expect(told).toHaveLength(1)
    await configure(settingsWith(1))
    await tick(12)
    await configure(settingsWith(undefined))
    await tick(80)
    expect(channels()).toBe(1)
    expect(told).toHaveLength(2)
  })

  test('keeps what does no harm, without touching it', async () => {
    const { tick, configure, told, counts } = await setUp(0)
    await tick(12)
    await configure(settingsWith(undefined))
    await tick(30)
    expect(counts).toEqual([1, 4])
    expect(told).toEqual([
      'eth0 kept 4 1: not clearly worse: 8 instead of 8 Mb/s with 4 instead of 1 channels',
    ])
  })

  test('returns to the new count when the load had changed, and does not judge that return', async () => {
    const { tick, configure, told, counts, state, regressionHold } = await setUp(0)
    await tick(12)
    await configure(settingsWith(undefined))
    state.demand = 0.3e6
    await tick(60)
    expect(counts).toEqual([1, 4, 1, 4])
    expect(told).toEqual([expect.stringMatching(/^eth0 kept 4 1: caused by the load, not by the channels/)])
    expect(regressionHold()).toBeUndefined()
  })

  test('does not judge without a whole window before', async () => {
    const { tick, configure, told } = await setUp(0.8)
    await tick(5)
    await configure(settingsWith(undefined))
    await tick(30)
    expect(told).toEqual([
      'eth0 not-judged 4 1: it had 1 channels for less than 3600 s before: no baseline to compare with',
    ])
  })

  test('killed in the middle, the next daemon takes back what was being compared', async () => {
    const { tick, becomes, configure, channels, regressionHold, replaceGuard } = await setUp(0.8)
    await tick(12)
    await configure(settingsWith(undefined))
    await becomes(1)
    expect(regressionHold()).toMatchObject({ confirmed: false })
    await replaceGuard()
    await tick()
    expect(regressionHold()).toBeUndefined()
    expect(channels()).toBe(4)
  })

  test('stopped in the middle, it leaves nothing in the ledger', async () => {
    const { tick, becomes, configure, regressionHold, guard } = await setUp(0.8)
    await tick(12)
    await configure(settingsWith(undefined))
    await becomes(1)
    await guard().close()
    expect(regressionHold()).toBeUndefined()
  })

  test("an administrator's rollback in the middle is the last word", async () => {
    const { tick, becomes, configure, channels, system, pass, told, counts } = await setUp(0.8)
    await tick(12)
    await configure(settingsWith(undefined))
    await becomes(1)
    await converge(system, rollbackOperation(system, undefined))
    await pass()
    await tick(80)
    expect(channels()).toBe(1)
    expect(counts).toEqual([1, 4, 1])
    expect(told).toHaveLength(1)
    expect(told[0]).toContain('not-judged')
  })
})
