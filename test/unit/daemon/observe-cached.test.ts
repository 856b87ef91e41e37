import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS } from '../../../src/config/settings'
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
    observer.forgetTable(2)
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
