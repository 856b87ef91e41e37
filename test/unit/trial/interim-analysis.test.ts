import { describe, expect, test } from 'vitest'
import { planInterimAnalyses } from '../../../src/trial/interim-analysis'

/** False-positive rate of a whole trial. */
const LEVEL = 0.05

describe('interim analyses', () => {
  test.each([2, 4, 6, 14])('share the level, and the first can prove something (%i tests)', (tests) => {
    const analyses = planInterimAnalyses(tests, LEVEL)
    expect(analyses.reduce((sum, { level }) => sum + level, 0)).toBeCloseTo(LEVEL, 12)
    for (const { rounds, level } of analyses) expect(tests * 2 ** -rounds).toBeLessThanOrEqual(level)
    const rounds = analyses.map((analysis) => analysis.rounds)
    expect(rounds).toEqual([...new Set(rounds)].sort((a, b) => a - b))
    expect(rounds).toHaveLength(4)
  })

  test('end where the user says', () => {
    expect(planInterimAnalyses(2, LEVEL, 6)).toEqual([{ rounds: 6, level: LEVEL }])
    expect(planInterimAnalyses(2, LEVEL).map(({ rounds }) => rounds)).toEqual([7, 11, 16, 24])
    expect(planInterimAnalyses(2, LEVEL, 9).map(({ rounds }) => rounds)).toEqual([7, 9])
    const many = planInterimAnalyses(2, LEVEL, 100)
    expect(many.at(-1)?.rounds).toBe(100)
    expect(many.reduce((sum, { level }) => sum + level, 0)).toBeCloseTo(LEVEL, 12)
  })

  test('share the second half of the level evenly among the later ones', () => {
    expect(planInterimAnalyses(2, 0.04, 9)).toEqual([
      { rounds: 7, level: 0.02 },
      { rounds: 9, level: 0.02 },
    ])
    const levels = planInterimAnalyses(2, 0.06).map(({ level }) => level)
    expect(levels[0]).toBe(0.03)
    for (const level of levels.slice(1)) expect(level).toBeCloseTo(0.01, 12)
  })

  test('are one, with the whole level, where the user allows no more rounds than the first needs', () => {
    expect(planInterimAnalyses(2, LEVEL, 7)).toEqual([{ rounds: 7, level: LEVEL }])
    expect(planInterimAnalyses(2, LEVEL, 1)).toEqual([{ rounds: 1, level: LEVEL }])
  })
})
