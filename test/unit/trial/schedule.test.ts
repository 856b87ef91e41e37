import { describe, expect, test } from 'vitest'
import { defaultCounts, fewCounts, makeSchedule } from '../../../src/trial/schedule'
import { seeded } from './random'

const COUNTS = [1, 2, 4, 8]

describe('schedule', () => {
  test('has every count once in each round, in different orders', () => {
    const random = seeded(3)
    const schedule = makeSchedule(COUNTS, 50, (limit) => Math.floor(random.uniform() * limit))
    for (const round of schedule) expect([...round].sort((a, b) => a - b)).toEqual(COUNTS)
    expect(new Set(schedule.map((round) => round.join())).size).toBeGreaterThan(10)
  })

  test('tries powers of two, the most, and the present count', () => {
    expect(defaultCounts(6, 3)).toEqual([1, 2, 3, 4, 6])
    expect(defaultCounts(1, 1)).toEqual([1])
    expect(defaultCounts(4, 4)).toEqual([1, 2, 4])
  })

  test('tries only the present count and the most where other things are varied', () => {
    expect(fewCounts(8, 2)).toEqual([2, 8])
    expect(fewCounts(2, 8)).toEqual([2, 8])
    expect(fewCounts(4, 4)).toEqual([4])
  })

  test('takes what chance says of those that are left', () => {
    expect(makeSchedule(['a', 'b', 'c'], 2, () => 0)).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ])
    expect(makeSchedule(['a', 'b', 'c'], 1, (limit) => limit - 1)).toEqual([['c', 'b', 'a']])
    expect(makeSchedule(['a'], 0, () => 0)).toEqual([])
  })
})
