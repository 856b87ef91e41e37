import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS, type Settings } from '../../../src/config/settings'
import { CachingObserver } from '../../../src/daemon/observe-cached'
import type { System } from '../../../src/system/system'
import { capturedGuest } from '../../support/captured-guest'

const MINUTES = 60_000

function setUp(name: string) {
  const { system, calls } = capturedGuest(name)
  const state = { now: 0, answer: undefined as undefined | (() => Promise<never>) }
  const { run, list } = system
  let queues = (names: readonly string[]) => names
  const guest: System = Object.assign(Object.create(system) as System, {
    list: (path: string) =>
      path.endsWith('/queues') ? queues(list.call(system, path)) : list.call(system, path),
    run: (tool: string, args: readonly string[]) => {
      if (args[0] !== '-x' || state.answer === undefined) return run.call(system, tool, args)
      calls.push('failed')
      return state.answer()
    },
  })
  const observer = new CachingObserver(guest, () => state.now)
  return {
    ...{ state, calls, observer },
    useQueues: (count: number) => {
      queues = (names) => names.filter((queue) => Number(queue.slice(3)) < count)
    },
    /** A pass that observes twice, and how often it asked for the table. */
    async pass() {
      const before = calls.length
      observer.startPass()
      await observer.observe(DEFAULT_SETTINGS)
      const { nics } = await observer.observe(DEFAULT_SETTINGS)
      const asked = calls.slice(before).filter((call) => / -x /.test(call) || call === 'failed').length
      const table = nics[0]?.rssTable
      return { asked, table: typeof table === 'object' ? table.spread : table }
    },
  }
}

describe('the RSS table in the daemon', () => {
  it('is read once, and again after some minutes, since nobody tells of a change', async () => {
    const { state, pass } = setUp('rss-stale')
    expect(await pass()).toEqual({ asked: 1, table: { equal: 2 } })
    expect(await pass()).toEqual({ asked: 0, table: { equal: 2 } })
    state.now = 3 * MINUTES
    expect((await pass()).asked).toBe(0)
    state.now = 5 * MINUTES
    expect(await pass()).toEqual({ asked: 1, table: { equal: 2 } })
    expect((await pass()).asked).toBe(0)
  })

  it('is read again after it was written, and when channels changed', async () => {
    const { observer, pass, useQueues } = setUp('rss-stale')
    await pass()
    observer.forget('rss-table', 2)
    expect((await pass()).asked).toBe(1)
    useQueues(3)
    expect((await pass()).asked).toBe(1)
    expect((await pass()).asked).toBe(0)
  })

  it('is not asked for with a single channel, nor without RSS', async () => {
    const single = setUp('rss-stale')
    single.useQueues(1)
    expect(await single.pass()).toEqual({ asked: 0, table: undefined })
    expect((await setUp('debian-6.12-4cpu-4q').pass()).asked).toBe(0)
  })

  it('is asked for once in a pass where ethtool fails, and again in the next', async () => {
    const { state, pass } = setUp('rss-stale')
    state.answer = () => Promise.reject(new Error('hangs'))
    expect(await pass()).toEqual({ asked: 1, table: 'unknown' })
    expect((await pass()).asked).toBe(1)
    state.answer = undefined
    expect(await pass()).toEqual({ asked: 1, table: { equal: 2 } })
  })
})

describe('ring sizes in the daemon', () => {
  const RULED = {
    ...DEFAULT_SETTINGS,
    rules: [{ match: {}, settings: { switches: { 'rx-ring': 'max' } }, source: 'test' }],
  }
  function watching() {
    const { system, calls } = capturedGuest('rhel9.6-4cpu-4q')
    const state = { now: 0, fails: false }
    const { run } = system
    const guest: System = Object.assign(Object.create(system) as System, {
      run: (tool: string, args: readonly string[]) =>
        args[0] === '-g' && state.fails
          ? run.call(system, tool, ['-g', 'none'])
          : run.call(system, tool, args),
    })
    const observer = new CachingObserver(guest, () => state.now)
    return {
      ...{ state, observer },
      /** A pass that observes twice: how often it asked, and what it knows of the first NIC. */
      async pass(settings: Pick<Settings, 'rules'> = RULED) {
        calls.length = 0
        observer.startPass()
        await observer.observe(settings)
        const { nics } = await observer.observe(settings)
        return [calls.filter((call) => call.includes(' -g ')).length, nics[0]?.rings]
      },
    }
  }
  const SIZES = { rx: 256, rxMaximum: 256, tx: 256, txMaximum: 256 }

  it('are asked for where a rule concerns them: once, again after some minutes, and after a change', async () => {
    const { state, observer, pass } = watching()
    expect(await pass(DEFAULT_SETTINGS)).toEqual([0, undefined])
    expect(await pass()).toEqual([2, SIZES])
    expect(await pass()).toEqual([0, SIZES])
    state.now = 5 * MINUTES
    expect(await pass()).toEqual([2, SIZES])
    observer.forget('rings', 2)
    observer.forget('rss-table', 3)
    expect(await pass()).toEqual([1, SIZES])
    observer.forgetRings()
    expect(await pass()).toEqual([2, SIZES])
  })

  it('are asked for again in the next pass where ethtool fails', async () => {
    const { state, pass } = watching()
    state.fails = true
    expect(await pass()).toEqual([2, 'unknown'])
    expect(await pass()).toEqual([2, 'unknown'])
    state.fails = false
    expect(await pass()).toEqual([2, SIZES])
  })
})
