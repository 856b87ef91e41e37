import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { IdleHeap } from '../../../src/daemon/idle-heap'

const DELAY_MS = 15_000
const MIB = 2 ** 20

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** A heap that a collection brings down by so many MiB, each the one after the other, and then by nothing. */
function heapOf(...frees: number[]) {
  const state = { mib: 8, collections: 0 }
  const heap = {
    used: () => state.mib * MIB,
    collect: () => {
      state.collections++
      state.mib -= frees.shift() ?? 0
    },
  }
  return { state, idle: new IdleHeap(heap) }
}

test('collects once after use, however often that was, and never at rest', () => {
  const { state, idle } = heapOf()
  vi.advanceTimersByTime(10 * DELAY_MS)
  expect(state.collections).toBe(0)
  for (let i = 0; i < 14; i++) {
    idle.used()
    vi.advanceTimersByTime(1000)
  }
  expect(state.collections).toBe(0)
  vi.advanceTimersByTime(1000)
  expect(state.collections).toBe(1)
  vi.advanceTimersByTime(10 * DELAY_MS)
  expect(state.collections).toBe(1)
})

test('collects again for as long as that frees something', () => {
  const { state, idle } = heapOf(1, 0.5, 0.2, 1)
  idle.used()
  vi.advanceTimersByTime(10 * DELAY_MS)
  expect(state.collections).toBe(3)
  expect(vi.getTimerCount()).toBe(0)
})

test('leaves alone what a check used, and not what a storm did', () => {
  const { state, idle } = heapOf()
  const use = (mib: number): number => {
    state.mib += mib
    idle.used()
    vi.advanceTimersByTime(DELAY_MS)
    return state.collections
  }
  expect(use(0)).toBe(1)
  expect([use(0.7), use(0.7)]).toEqual([1, 1])
  expect(use(0.2)).toBe(2)
  expect(use(1.4)).toBe(2)
})

test('a closed one collects nothing', () => {
  const { state, idle } = heapOf()
  idle.used()
  idle.close()
  vi.advanceTimersByTime(2 * DELAY_MS)
  expect(state.collections).toBe(0)
})

test('uses what --expose-gc gives, and asks for the free pages to be returned', () => {
  const gc = vi.fn()
  vi.stubGlobal('gc', gc)
  const idle = new IdleHeap()
  idle.used()
  vi.advanceTimersByTime(DELAY_MS)
  idle.close()
  expect(gc.mock.calls).toEqual([[{ type: 'major', execution: 'sync', flavor: 'last-resort' }]])
})

test('without it there is no timer', () => {
  vi.stubGlobal('gc', undefined)
  new IdleHeap().used()
  expect(vi.getTimerCount()).toBe(0)
})
