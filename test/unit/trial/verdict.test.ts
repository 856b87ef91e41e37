import { describe, expect, test } from 'vitest'
import { defaultCounts, makeSchedule } from '../../../src/trial/schedule'
import { roundsNeeded } from '../../../src/trial/statistics'
import { judgeTrial, LEVEL, percent, type Sample } from '../../../src/trial/verdict'
import { seeded } from './random'

const COUNTS = [1, 2, 4, 8]
const ROUNDS = roundsNeeded(2 * (COUNTS.length - 1), LEVEL)

/** A trial with noise of the given size, a load that wanders between rounds, and factors by count. */
function simulate(
  random: ReturnType<typeof seeded>,
  noise: number,
  factors: Partial<Record<number, { rate?: number; cost?: number }>> = {},
): Sample[] {
  return Array.from({ length: ROUNDS }, (_, round) => {
    const load = 1e8 * Math.exp(random.normal())
    return COUNTS.map(
      (channels): Sample => ({
        round,
        channels,
        rate: load * (factors[channels]?.rate ?? 1) * Math.exp(noise * random.normal()),
        cost: 1e-9 * (factors[channels]?.cost ?? 1) * Math.exp(noise * random.normal()),
        packets: 10_000,
      }),
    )
  }).flat()
}

describe('on noise alone', () => {
  test.each([0.02, 0.2, 1])('proposes something in at most 5 % of trials (noise %f)', (noise) => {
    const random = seeded(Math.round(noise * 1000))
    const trials = 1500
    let proposals = 0
    for (let i = 0; i < trials; i++) {
      const { kind } = judgeTrial(simulate(random, noise), 4, true)
      if (kind === 'better' || kind === 'cheaper') proposals++
    }
    expect(proposals / trials).toBeLessThanOrEqual(0.05)
  })
})

describe('a clear effect', () => {
  test('of 50 % more is found in noise of 10 %, nearly always, and the right count', () => {
    const random = seeded(7)
    const trials = 300
    let found = 0
    for (let i = 0; i < trials; i++) {
      const verdict = judgeTrial(simulate(random, 0.1, { 1: { rate: 1.5 } }), 4, true)
      if (verdict.kind === 'better' && verdict.channels === 1) found++
    }
    expect(found / trials).toBeGreaterThan(0.95)
  })

  test('of half the CPU time at the same rate is found as cheaper', () => {
    const verdict = judgeTrial(simulate(seeded(8), 0.01, { 2: { cost: 0.5 } }), 4, true)
    expect(verdict).toMatchObject({ kind: 'cheaper', channels: 2 })
  })

  test('is no reason to change when the saving costs throughput', () => {
    const verdict = judgeTrial(simulate(seeded(9), 0.01, { 2: { cost: 0.5, rate: 0.7 } }), 4, true)
    expect(verdict).toMatchObject({ kind: 'inconclusive', channels: 4 })
    expect(verdict.comparisons.find(({ channels }) => channels === 2)?.finding).toBe('slower')
  })

  test('against all others says stay', () => {
    const verdict = judgeTrial(simulate(seeded(10), 0.02, { 4: { rate: 2 } }), 4, true)
    expect(verdict).toMatchObject({ kind: 'stay', channels: 4 })
  })

  test('of 1 % is real but too small to act on', () => {
    const verdict = judgeTrial(simulate(seeded(11), 0.0001, { 1: { rate: 1.01 } }), 4, true)
    expect(verdict.kind).toBe('inconclusive')
  })
})

test('an idle NIC proves nothing', () => {
  const idle = simulate(seeded(12), 0.01, { 1: { rate: 3 } }).map((sample) => ({ ...sample, packets: 3 }))
  expect(judgeTrial(idle, 4, true)).toMatchObject({ kind: 'inconclusive', channels: 4 })
  expect(judgeTrial(idle, 4, true).why).toContain('too little traffic')
  expect(judgeTrial(idle, 4, false).kind).toBe('better')
  expect(judgeTrial([], 4, true).kind).toBe('inconclusive')
})

test('too few rounds never propose', () => {
  const few = simulate(seeded(13), 0.001, { 1: { rate: 3 } }).filter(({ round }) => round < 4)
  expect(judgeTrial(few, 4, true).kind).toBe('inconclusive')
})

test('ratios are shown with sign and interval', () => {
  expect(percent({ estimate: 1.2, low: 0.95, high: Number.POSITIVE_INFINITY })).toBe('+20.0 % (-5.0 to ? %)')
})

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
})
