/** The guard on tunables other than channels: RPS, on a NIC with two queues for four vCPUs. */
import { writeFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import type { Settings } from '../../../src/config/settings'
import { applyOperation, rollbackOperation } from '../../../src/planner/operations'
import { converge } from '../../../src/planner/reconcile'
import { guarded, guardedGuest, tearDown } from '../../support/guarded-guest'

afterEach(tearDown)

const WATCHED = { watch: ['channels', 'rps'] }
const KEEP: Settings = guarded({}, WATCHED)
const SPREAD: Settings = guarded({ switches: { rps: 'spread' } }, WATCHED)

const applyUnattended = (system: Parameters<typeof applyOperation>[0], settings: Settings) =>
  applyOperation(system, settings, { respectHolds: true })

/** With RPS, some of the traffic is lost. */
const setUp = (loss: number) =>
  guardedGuest({ maximum: 2, current: 2 }, KEEP, ({ rps }) => (rps === '0' ? 0 : loss))

describe('the guard of other tunables', () => {
  test('takes back what is worse after two cycles, once, and remembers it', async () => {
    const { tick, configure, rps, masks, told, settingHolds, replaceGuard, system, state } = await setUp(0.8)
    await tick(12)
    await configure(SPREAD)
    expect(rps()).toBe('2')
    await tick(80)
    expect(masks).toEqual(['0', '2', '0', '2', '0'])
    expect(told).toEqual([
      'eth0 guard-reduced rps: 1.6 instead of 8 Mb/s with the new values of rps instead of those before, 2 times in a row',
    ])
    expect(settingHolds()).toMatchObject({
      rps: {
        ...{ confirmed: true, vcpus: 4, maximum: 2, values: { 'queue 0': '', 'queue 1': '' } },
        policy: expect.stringMatching(/ spread$/),
      },
    })
    await replaceGuard()
    await tick(40)
    expect(rps()).toBe('0')
    expect(told).toHaveLength(1)
    // Whoever looks is told why it is not as configured.
    const { skips } = await converge(system, applyUnattended(system, state.settings))
    expect(skips).toEqual([
      {
        ...{ nic: 'eth0', tunable: 'rps', code: 'guard' },
        why: expect.stringMatching(
          /^taken back by the guard: 1\.6 instead .*; vqtune apply eth0 tries it again$/,
        ),
      },
    ])
  })

  test('does not look at what the configuration does not name', async () => {
    const { tick, configure, told, masks } = await setUp(0.8)
    await tick(12)
    await configure(guarded({ switches: { rps: 'spread' } }))
    await tick(80)
    expect(masks).toEqual(['0', '2'])
    expect(told).toEqual([])
  })

  test('keeps what does no harm, without touching it', async () => {
    const { tick, configure, told, masks, settingHolds } = await setUp(0)
    await tick(12)
    await configure(SPREAD)
    await tick(30)
    expect(masks).toEqual(['0', '2'])
    expect(told).toEqual([expect.stringMatching(/^eth0 kept rps: not clearly worse: /)])
    expect(settingHolds()).toBeUndefined()
  })

  test('returns to the new values when the load had changed, and does not judge that return', async () => {
    const { tick, configure, told, masks, state, settingHolds } = await setUp(0)
    await tick(12)
    await configure(SPREAD)
    state.demand = 0.3e6
    await tick(60)
    expect(masks).toEqual(['0', '2', '0', '2'])
    expect(told).toEqual([expect.stringMatching(/^eth0 kept rps: caused by the load, not by the rps/)])
    expect(settingHolds()).toBeUndefined()
  })

  test('tries again after a change of the configuration, and when it is no longer asked to watch', async () => {
    const { tick, configure, rps, settingHolds } = await setUp(0.8)
    await tick(12)
    await configure(SPREAD)
    await tick(80)
    expect(rps()).toBe('0')
    await configure(guarded({ switches: { rps: 'off' } }, WATCHED))
    expect(settingHolds()).toBeUndefined()
    await tick(12)
    await configure(SPREAD)
    await tick(80)
    expect(settingHolds()).toMatchObject({ rps: { confirmed: true } })
    await configure(guarded({ switches: { rps: 'spread' } }))
    expect([rps(), settingHolds()]).toEqual(['2', undefined])
  })

  test("ends with an administrator's apply, which is not judged", async () => {
    const { tick, configure, rps, told, apply, pass, settingHolds } = await setUp(0.8)
    await tick(12)
    await configure(SPREAD)
    await tick(80)
    await apply()
    await pass()
    await tick(80)
    expect([rps(), settingHolds()]).toEqual(['2', undefined])
    expect(told).toHaveLength(1)
  })

  test('does not judge without a whole window before, nor together with channels, nor the repair of a drift', async () => {
    const early = await setUp(0.8)
    await early.tick(5)
    await early.configure(SPREAD)
    await early.tick(30)
    expect(early.told).toEqual([
      'eth0 not-judged rps: it had the values before for less than 3600 s before: no baseline to compare with',
    ])

    const both = await guardedGuest({ maximum: 2, current: 1 }, guarded({ cap: 1 }, WATCHED), () => 0)
    await both.tick(12)
    await both.configure(guarded({ switches: { rps: 'spread' } }, WATCHED))
    await both.tick(30)
    expect([both.channels(), both.rps()]).toEqual([2, '2'])
    expect(both.told).toContain('eth0 not-judged rps: channels were changed at the same time')

    const drift = await setUp(0)
    await drift.configure(SPREAD)
    await drift.tick(30)
    const known = drift.told.length
    writeFileSync(`${drift.root}/sys/class/net/eth0/queues/rx-0/rps_cpus`, 'f')
    await drift.pass()
    await drift.tick(30)
    expect(drift.rps()).toBe('2')
    expect(drift.told).toHaveLength(known)
  })

  test('gives up when somebody else changes the NIC, and takes nothing back', async () => {
    const { tick, configure, until, rps, told, pass, settingHolds, system, apply } = await setUp(0.8)
    await tick(12)
    await configure(SPREAD)
    await until(() => rps() === '0')
    await tick(2)
    // Another vqtune, which tells the daemon of nothing.
    await converge(system, rollbackOperation(system, undefined))
    await apply()
    await pass()
    await tick(20)
    expect(told).toEqual(['eth0 not-judged rps: settings of the NIC were changed meanwhile'])
    expect(rps()).toBe('2')
    expect(settingHolds()).toBeUndefined()
  })

  test('killed in the middle, the next daemon takes back what was being compared', async () => {
    const { tick, configure, until, rps, settingHolds, replaceGuard } = await setUp(0.8)
    await tick(12)
    await configure(SPREAD)
    await until(() => rps() === '0')
    expect(settingHolds()).toMatchObject({ rps: { confirmed: false } })
    await replaceGuard()
    await tick()
    expect([rps(), settingHolds()]).toEqual(['2', undefined])
  })

  test('stopped in the middle, it leaves nothing in the ledger', async () => {
    const { tick, configure, until, rps, settingHolds, guard } = await setUp(0.8)
    await tick(12)
    await configure(SPREAD)
    await until(() => rps() === '0')
    await guard().close()
    expect(settingHolds()).toBeUndefined()
  })

  test("an administrator's rollback in the middle is the last word", async () => {
    const { tick, configure, until, rps, system, pass, told, masks } = await setUp(0.8)
    await tick(12)
    await configure(SPREAD)
    await until(() => rps() === '0')
    await converge(system, rollbackOperation(system, undefined))
    await pass()
    await tick(80)
    expect(masks).toEqual(['0', '2', '0'])
    expect(told).toEqual([expect.stringContaining('not-judged')])
  })
})
