import { describe, expect, test } from 'vitest'
import type { Arm } from '../../../src/trial/arm'
import { planInterimAnalyses } from '../../../src/trial/interim-analysis'
import { makeSchedule } from '../../../src/trial/schedule'
import { roundsNeeded } from '../../../src/trial/statistics'
import {
  isSettled,
  judgeTrial,
  LEVEL,
  percent,
  type Sample,
  type TrialVerdict,
} from '../../../src/trial/verdict'
import { seeded } from './random'

const COUNTS = [1, 2, 4, 8]
const ROUNDS = roundsNeeded(2 * (COUNTS.length - 1), LEVEL)

const arm = (channels: number): Arm => ({ channels, switches: {} })

type Factors = Partial<Record<number, { rate?: number; cost?: number }>>

type Random = ReturnType<typeof seeded>

/** A trial with noise of the given kind, a load that wanders between rounds, and factors by count. */
function simulate(
  random: Random,
  noise: number | ((random: Random) => number),
  factors: Factors = {},
  rounds = ROUNDS,
  counts = COUNTS,
): Sample[] {
  const draw = typeof noise === 'number' ? () => noise * random.normal() : () => noise(random)
  return Array.from({ length: rounds }, (_, round) => {
    const load = 1e8 * Math.exp(random.normal())
    return counts.map(
      (channels): Sample => ({
        round,
        arm: arm(channels),
        rate: load * (factors[channels]?.rate ?? 1) * Math.exp(draw()),
        cost: 1e-9 * (factors[channels]?.cost ?? 1) * Math.exp(draw()),
        packets: 10_000,
      }),
    )
  }).flat()
}

/** The whole trial: looks until the answer is clear. */
function inLooks(
  random: Random,
  noise: Parameters<typeof simulate>[1],
  factors: Factors = {},
  counts = COUNTS,
  most?: number,
): { verdict: TrialVerdict; rounds: number } {
  const analyses = planInterimAnalyses(2 * (counts.length - 1), LEVEL, most)
  const all = simulate(random, noise, factors, analyses.at(-1)?.rounds, counts)
  for (const { rounds, level } of analyses) {
    const seen = all.filter(({ round }) => round < rounds)
    const verdict = judgeTrial(seen, arm(counts.at(-1) ?? 0), true, level)
    if (isSettled(verdict) || rounds === analyses.at(-1)?.rounds) return { verdict, rounds }
  }
  throw new Error('no look')
}

/** Heavy tails, capped where exp() would overflow: one value in thirty is ten times the usual or more. */
const heavy = (random: Random): number =>
  Math.max(-20, Math.min(20, (0.1 * random.normal()) / Math.max(1e-3, Math.abs(random.normal()))))

describe('on noise alone', () => {
  test.each([0.02, 0.2, 1])(
    'a single look proposes something in at most 5 %% of trials (noise %f)',
    (noise) => {
      const random = seeded(Math.round(noise * 1000))
      const trials = 1500
      let proposals = 0
      for (let i = 0; i < trials; i++) {
        const { kind } = judgeTrial(simulate(random, noise), arm(4), true)
        if (kind === 'better' || kind === 'cheaper') proposals++
      }
      expect(proposals / trials).toBeLessThanOrEqual(0.05)
    },
  )

  test.each<[string, number[], number | typeof heavy]>([
    ['two counts, noise 5 %', [1, 8], 0.05],
    ['two counts, noise 50 %', [1, 8], 0.5],
    ['two counts, heavy tails', [1, 8], heavy],
    ['four counts, noise 20 %', COUNTS, 0.2],
    ['four counts, heavy tails', COUNTS, heavy],
  ])('all looks together propose something in at most 5 %% of trials (%s)', (_, counts, noise) => {
    const random = seeded(counts.length)
    const trials = counts.length === 2 ? 2000 : 400
    let proposals = 0
    for (let i = 0; i < trials; i++) {
      const { kind } = inLooks(random, noise, {}, counts).verdict
      if (kind === 'better' || kind === 'cheaper') proposals++
    }
    expect(proposals / trials).toBeLessThanOrEqual(0.05)
  })

  test('of a load that wanders during a round, eight combinations propose something in at most 5 % of trials', () => {
    const random = seeded(22)
    const arms = [1, 2, 4, 8].flatMap((channels): Arm[] =>
      ['off', 'spread'].map((rps) => ({ channels, switches: { rps } })),
    )
    const analyses = planInterimAnalyses(2 * (arms.length - 1), LEVEL)
    const present = arms[0] as Arm
    const trials = 300
    let proposals = 0
    for (let i = 0; i < trials; i++) {
      const schedule = makeSchedule(arms, analyses.at(-1)?.rounds ?? 0, (limit) =>
        Math.floor(random.uniform() * limit),
      )
      // Each measurement resembles the one before: correlation 0.9, as bursts of minutes in windows of seconds.
      let load = 0
      const next = (): number => {
        load = 0.9 * load + Math.sqrt(1 - 0.9 ** 2) * random.normal()
        return Math.exp(0.3 * load)
      }
      const all = schedule.flatMap((order, round) =>
        order.map((one): Sample => {
          const level = next()
          return { round, arm: one, rate: 1e8 * level, cost: 1e-9 / level, packets: 10_000 }
        }),
      )
      const verdict = analyses
        .map(({ rounds, level }) =>
          judgeTrial(
            all.filter(({ round }) => round < rounds),
            present,
            true,
            level,
          ),
        )
        .find(isSettled)
      if (verdict?.kind === 'better' || verdict?.kind === 'cheaper') proposals++
    }
    expect(proposals / trials).toBeLessThanOrEqual(0.05)
  })

  test('so little that nothing can be gained is no reason to go on', () => {
    const { verdict, rounds } = inLooks(seeded(21), 0.002)
    expect(verdict).toMatchObject({ kind: 'stay', arm: arm(8) })
    expect(verdict.why).toContain('neither 3 % more nor as much for 10 % less CPU time')
    // As many as six questions need: 6 / 2^8 is below half of 5 %.
    expect(rounds).toBe(8)
  })
})

describe('looks', () => {
  test('more rounds find what few do not: 30 % more in noise of 40 %', () => {
    const random = seeded(22)
    const trials = 200
    const found = { first: 0, all: 0, wrong: 0 }
    for (let i = 0; i < trials; i++) {
      const { verdict, rounds } = inLooks(random, 0.28, { 1: { rate: 1.45 } }, [1, 8])
      if (verdict.kind === 'better') found.all++
      if (verdict.kind === 'better' && rounds === 7) found.first++
      if (verdict.kind === 'stay') found.wrong++
    }
    expect(found.all / trials).toBeGreaterThan(0.9)
    expect(found.first / trials).toBeLessThan(0.7)
    expect(found.wrong).toBe(0)
  })
})

describe('a clear effect', () => {
  test('of 50 % more is found in noise of 10 %, nearly always, and the right count', () => {
    const random = seeded(7)
    const trials = 300
    let found = 0
    for (let i = 0; i < trials; i++) {
      const verdict = judgeTrial(simulate(random, 0.1, { 1: { rate: 1.5 } }), arm(4), true)
      if (verdict.kind === 'better' && verdict.arm.channels === 1) found++
    }
    expect(found / trials).toBeGreaterThan(0.95)
  })

  test('of half the CPU time at the same rate is found as cheaper', () => {
    const verdict = judgeTrial(simulate(seeded(8), 0.01, { 2: { cost: 0.5 } }), arm(4), true)
    expect(verdict).toMatchObject({ kind: 'cheaper', arm: arm(2) })
  })

  test('is no reason to change when the saving costs throughput', () => {
    const verdict = judgeTrial(simulate(seeded(9), 0.01, { 2: { cost: 0.5, rate: 0.7 } }), arm(4), true)
    expect(verdict).toMatchObject({ kind: 'stay', arm: arm(4) })
    expect(verdict.comparisons.find((one) => one.arm.channels === 2)?.finding).toBe('slower')
  })

  test('against all others says stay', () => {
    const verdict = judgeTrial(simulate(seeded(10), 0.02, { 4: { rate: 2 } }), arm(4), true)
    expect(verdict).toMatchObject({ kind: 'stay', arm: arm(4) })
  })

  test('of 1 % is real but too small to act on', () => {
    const verdict = judgeTrial(simulate(seeded(11), 0.0001, { 1: { rate: 1.01 } }), arm(4), true)
    expect(verdict).toMatchObject({ kind: 'stay', arm: arm(4) })
  })
})

test('an idle NIC proves nothing', () => {
  const idle = simulate(seeded(12), 0.01, { 1: { rate: 3 } }).map((sample) => ({ ...sample, packets: 3 }))
  expect(judgeTrial(idle, arm(4), true)).toMatchObject({ kind: 'inconclusive', arm: arm(4) })
  expect(judgeTrial(idle, arm(4), true).why).toContain('too little traffic')
  expect(judgeTrial(idle, arm(4), false).kind).toBe('better')
  expect(judgeTrial([], arm(4), true).kind).toBe('inconclusive')
})

test('too few rounds never propose', () => {
  const few = simulate(seeded(13), 0.001, { 1: { rate: 3 } }).filter(({ round }) => round < 4)
  expect(judgeTrial(few, arm(4), true).kind).toBe('inconclusive')
})

test('of too few rounds the interval has no end', () => {
  const [first] = judgeTrial(simulate(seeded(14), 0.1, {}, 3), arm(4), true).comparisons
  expect(first?.rate).toMatchObject({ low: 0, high: Number.POSITIVE_INFINITY })
})

describe('what makes small requests wait', () => {
  const waiting = (times: number, gain: Factors[number] = { rate: 1.5 }): Sample[] =>
    simulate(seeded(21), 0.01, { 1: gain }, 12, [1, 4]).map((sample) => ({
      ...sample,
      p99Ms: sample.arm.channels === 1 ? 0.4 * times : 0.4,
    }))

  test('twice as long is not proposed, unless that does not matter', () => {
    const verdict = judgeTrial(waiting(2.5), arm(4), true)
    expect(verdict).toMatchObject({ kind: 'stay', arm: arm(4), comparisons: [{ finding: 'delayed' }] })
    expect(verdict.why).toMatch(
      /^1 channel: throughput \+\d+\.\d % .*, but 99 of 100 small requests take up to 2\.5 times as long$/,
    )
    expect(isSettled(verdict)).toBe(true)
    expect(judgeTrial(waiting(2.5), arm(4), true, LEVEL, true)).toMatchObject({ kind: 'better', arm: arm(1) })
    const cheaper = judgeTrial(waiting(2.5, { cost: 0.5 }), arm(4), true)
    expect(cheaper.comparisons).toMatchObject([{ finding: 'delayed' }])
  })

  test('less than that is, with the figures', () => {
    const samples = waiting(1.5)
    const verdict = judgeTrial(samples, arm(4), true)
    expect(verdict).toMatchObject({
      kind: 'better',
      comparisons: [{ latency: { estimate: expect.closeTo(1.5) } }],
    })
  })

  test('is not guessed where a measurement has none', () => {
    const some = waiting(2.5).map((sample) => ({ ...sample, p99Ms: undefined }))
    const verdict = judgeTrial(some, arm(4), true)
    expect(verdict).toMatchObject({ kind: 'better', comparisons: [{ latency: undefined }] })
  })

  test('others may still be undecided', () => {
    const both = simulate(seeded(23), 0.01, { 1: { rate: 1.5 } }, 12, [1, 4]).map((sample) => ({
      ...sample,
      p99Ms: sample.arm.channels === 1 ? 1 : 0.4,
    }))
    const third = both
      .filter(({ arm: of }) => of.channels === 4)
      .map((sample, i) => ({ ...sample, arm: arm(2), rate: sample.rate * (i % 2 === 0 ? 1.3 : 0.8) }))
    const verdict = judgeTrial([...both, ...third], arm(4), true)
    expect(verdict).toMatchObject({
      kind: 'inconclusive',
      why: expect.stringContaining('1 channel: throughput'),
    })
  })
})

test('a combination is named by its channels and its other values', () => {
  const [off, spread] = ['off', 'spread'].map((rps): Arm => ({ channels: 2, switches: { rps } })) as [
    Arm,
    Arm,
  ]
  const samples = Array.from({ length: 12 }, (_, round) =>
    [off, spread].map(
      (one): Sample => ({ round, arm: one, rate: one === spread ? 2e8 : 1e8, cost: 1e-9, packets: 10_000 }),
    ),
  ).flat()
  const verdict = judgeTrial(samples, off, true)
  expect(verdict).toMatchObject({ kind: 'better', arm: spread })
  expect(verdict.why).toMatch(
    /^2 channels with rps spread move \+100.0 % .* compared with 2 channels with rps off$/,
  )
  expect(judgeTrial(samples, spread, true).why).toBe(
    'every other combination moves less than 2 channels with rps spread',
  )
})

test('ratios are shown with sign and interval', () => {
  expect(percent({ estimate: 1.2, low: 0.95, high: Number.POSITIVE_INFINITY })).toBe('+20.0 % (-5.0 to ? %)')
})
