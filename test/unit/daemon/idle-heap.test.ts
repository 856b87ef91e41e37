import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { IdleHeap } from '../../../src/daemon/idle-heap'

const DELAY_MS = 15_000

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test('collects once after use, however often that was, and never at rest', () => {
  const collect = vi.fn()
  const heap = new IdleHeap(collect)
  vi.advanceTimersByTime(10 * DELAY_MS)
  expect(collect).toHaveBeenCalledTimes(0)
  for (let i = 0; i < 14; i++) {
    heap.used()
    vi.advanceTimersByTime(1000)
  }
  expect(collect).toHaveBeenCalledTimes(0)
  vi.advanceTimersByTime(1000)
  expect(collect).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(10 * DELAY_MS)
  expect(collect).toHaveBeenCalledTimes(1)
  heap.used()
  vi.advanceTimersByTime(DELAY_MS)
  expect(collect).toHaveBeenCalledTimes(2)
})

test('a closed one collects nothing', () => {
  const collect = vi.fn()
  const heap = new IdleHeap(collect)
  heap.used()
  heap.close()
  vi.advanceTimersByTime(2 * DELAY_MS)
  expect(collect).toHaveBeenCalledTimes(0)
})

test('uses what --expose-gc gives, and asks for the free pages to be returned', () => {
  const gc = vi.fn()
  vi.stubGlobal('gc', gc)
  new IdleHeap().used()
  vi.advanceTimersByTime(DELAY_MS)
  expect(gc.mock.calls).toEqual([[{ type: 'major', execution: 'sync', flavor: 'last-resort' }]])
})

test('without it there is no timer', () => {
  vi.stubGlobal('gc', undefined)
  new IdleHeap().used()
  expect(vi.getTimerCount()).toBe(0)
})
