import { describe, expect, test } from 'vitest'
import {
  centreInterval,
  chanceOfGreater,
  hodgesLehmann,
  holm,
  roundsNeeded,
} from '../../../src/trial/statistics'
import { seeded } from './random'

describe('signed-rank test', () => {
  test('gives the published chances', () => {
    // Every sign the same: one arrangement of 2^n.
    expect(chanceOfGreater([1, 2, 3, 4, 5, 6, 7])).toBeCloseTo(1 / 128, 12)
    // Table of the Wilcoxon distribution, n = 10: P(W+ >= 45) = 0.0420 and P(W+ >= 50) = 0.0098.
    const withNegatives = (...negative: number[]): number[] =>
      Array.from({ length: 10 }, (_, i) => (negative.includes(i + 1) ? -(i + 1) : i + 1))
    expect(chanceOfGreater(withNegatives(10))).toBeCloseTo(0.042, 4)
    expect(chanceOfGreater(withNegatives(2, 3))).toBeCloseTo(0.0098, 4)
  })

  test('leaves zeros out and shares the ranks of ties', () => {
    expect(chanceOfGreater([0, 0, 0])).toBe(1)
    expect(chanceOfGreater([])).toBe(1)
    expect(chanceOfGreater([0, 5, 5, 5])).toBeCloseTo(1 / 8, 12)
    expect(chanceOfGreater([5, -5])).toBeCloseTo(3 / 4, 12)
  })

  test('keeps its level on any symmetric noise', () => {
    const random = seeded(1)
    let below = 0
    const trials = 4000
    for (let i = 0; i < trials; i++) {
      // Cauchy: no mean, no variance.
      const noise = Array.from({ length: 9 }, () => random.normal() / random.normal())
      if (chanceOfGreater(noise) <= 0.05) below++
    }
    expect(below / trials).toBeLessThanOrEqual(0.055)
    expect(below / trials).toBeGreaterThan(0.03)
  })
})

describe('centre', () => {
  test('Hodges-Lehmann is the middle of symmetric values and does not follow an outlier', () => {
    expect(hodgesLehmann([1, 2, 3, 4, 5])).toBe(3)
    expect(hodgesLehmann([1, 2, 3, 4, 1e9])).toBeLessThanOrEqual(4)
  })

  test('the interval of seven values leaves out two averages at each end', () => {
    const { low, high, coverage } = centreInterval([1, 2, 3, 4, 5, 6, 7])
    // Walsh averages start 1, 1.5, 2, 2 ...; P(W <= 2) = 3/128.
    expect([low, high]).toEqual([2, 6])
    expect(coverage).toBeCloseTo(1 - 6 / 128, 12)
  })

  test('says that three values cannot cover 95 %', () => {
    expect(centreInterval([1, 2, 3])).toEqual({ low: 1, high: 3, coverage: 0.75 })
  })

  test('covers the truth as often as it says', () => {
    const random = seeded(2)
    let covered = 0
    const trials = 3000
    for (let i = 0; i < trials; i++) {
      const { low, high } = centreInterval(Array.from({ length: 8 }, () => 0.3 + random.normal()))
      if (low <= 0.3 && 0.3 <= high) covered++
    }
    expect(covered / trials).toBeGreaterThan(0.94)
  })
})

test('Holm multiplies the smallest by all, never falls, never exceeds one', () => {
  const adjusted = holm([0.01, 0.04, 0.03, 0.9])
  for (const [i, wanted] of [0.04, 0.09, 0.09, 0.9].entries()) expect(adjusted[i]).toBeCloseTo(wanted, 12)
})

test('the rounds needed make a finding possible', () => {
  for (const tests of [2, 4, 6, 8]) {
    const rounds = roundsNeeded(tests, 0.05)
    expect(tests * 2 ** -rounds).toBeLessThanOrEqual(0.05)
  }
})
