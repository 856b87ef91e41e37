import { expect, test } from 'vitest'
import { median, quantile } from '../../src/quantile'

test('quantiles interpolate between ranks, whatever the order', () => {
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5)
  expect(quantile([10], 0.99)).toBe(10)
  expect(quantile([0, 100], 0.99)).toBeCloseTo(99)
  expect([quantile([5, 1], 0), quantile([5, 1], 1)]).toEqual([1, 5])
})

test('the median is the middle, or half way between the two middle ones; of nothing there is none', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([3, 1, 2, 10])).toBe(2.5)
  expect(median([])).toBeNaN()
})
