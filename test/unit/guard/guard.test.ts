import { afterEach, describe, expect, test } from 'vitest'
import { rollbackOperation } from '../../../src/planner/operations'
import { converge } from '../../../src/planner/reconcile'
import { guarded, guardedGuest, tearDown } from '../../support/guarded-guest'

afterEach(tearDown)

const settingsWith = (cap: number | undefined, enabled = true) => guarded({ cap }, { enabled })

/** The NIC is capped to one channel; with more, some of the traffic is lost. */
const setUp = (loss: number, enabled = true) =>
  guardedGuest({ maximum: 4, current: 1 }, settingsWith(1, enabled), ({ channels }) =>
    channels === 1 ? 0 : loss,
  )

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
