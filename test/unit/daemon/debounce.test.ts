import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Debounced } from '../../../src/daemon/debounce'

afterEach(() => void vi.useRealTimers())

describe('Debounced', () => {
  beforeEach(() => void vi.useFakeTimers())
  const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

  it('makes one run of many events, with each reason once', async () => {
    const runs: (readonly string[])[] = []
    const debounced = new Debounced(30, async (reasons) => void runs.push(reasons))
    for (let i = 0; i < 50; i++) debounced.trigger(i % 2 === 0 ? 'a' : 'b')
    await vi.advanceTimersByTimeAsync(29)
    expect(runs).toEqual([])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(runs).toEqual([['a', 'b']])
  })

  it('runs in spite of events without end, never twice at a time, and once more for one during a run', async () => {
    let running = 0
    let runs = 0
    let most = 0
    const debounced = new Debounced(10, async () => {
      most = Math.max(most, ++running)
      await pause(30)
      running--
      runs++
    })
    for (let i = 0; i < 60; i++) {
      debounced.trigger('storm')
      await vi.advanceTimersByTimeAsync(5)
    }
    // 300 ms: one begins when the storm has gone on for ten times 10 ms, the next as long after the first was over.
    expect(runs).toBe(2)
    await vi.advanceTimersByTimeAsync(1_000)
    expect({ runs, running, most }).toEqual({ runs: 3, running: 0, most: 1 })
  })

  it('waits for the run that goes on and starts none after close', async () => {
    let done = false
    let runs = 0
    const debounced = new Debounced(1, async () => {
      runs++
      await pause(50)
      done = true
    })
    debounced.trigger('x')
    await vi.advanceTimersByTimeAsync(1)
    expect({ runs, done }).toEqual({ runs: 1, done: false })
    debounced.trigger('y')
    await Promise.all([debounced.close(), vi.advanceTimersByTimeAsync(50)])
    expect(done).toBe(true)
    debounced.trigger('z')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(runs).toBe(1)
  })

  it('tells the first event of a burst from the others, and from those during a run', async () => {
    const debounced = new Debounced(10, () => pause(50))
    expect([debounced.trigger('a'), debounced.trigger('a')]).toEqual([true, false])
    await vi.advanceTimersByTimeAsync(20)
    expect(debounced.trigger('a')).toBe(false)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(debounced.trigger('a')).toBe(true)
    await debounced.close()
    expect(debounced.trigger('a')).toBe(false)
  })

  it('waits as long as it is told meanwhile', async () => {
    let runs = 0
    const debounced = new Debounced(1_000, async () => void runs++)
    debounced.setQuietMs(10)
    debounced.trigger('a')
    await vi.advanceTimersByTimeAsync(9)
    expect(runs).toBe(0)
    await vi.advanceTimersByTimeAsync(1)
    expect(runs).toBe(1)
  })
})
