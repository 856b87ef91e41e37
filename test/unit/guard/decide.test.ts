import { describe, expect, test } from 'vitest'
import { compareStates, type GuardSlice } from '../../../src/guard/decide'

function slices(rates: readonly number[], packetsPerSecond = 10_000): GuardSlice[] {
  return rates.map((rate) => ({ seconds: 0.5, bytes: rate / 2, packets: packetsPerSecond / 2 }))
}
const STEADY = [100e6, 101e6, 99e6, 102e6, 98e6, 100e6, 101e6, 99e6, 102e6, 98e6]
const times = (factor: number): number[] => STEADY.map((rate) => rate * factor)

describe('guard', () => {
  test('finds more channels worse when the rate is clearly lower', () => {
    expect(compareStates(slices(STEADY), slices(times(0.5)), 20)).toEqual({
      verdict: 'worse',
      why: '400 instead of 800 Mb/s',
    })
  })

  test('does not when it is as high, higher, or lower by less than asked for', () => {
    for (const factor of [1, 2, 0.81]) {
      expect(compareStates(slices(STEADY), slices(times(factor)), 20).verdict).toBe('not-worse')
    }
    expect(compareStates(slices(STEADY), slices(times(0.81)), 10).verdict).toBe('worse')
  })

  test('does not when the rates overlap, however different the middle is', () => {
    const restless = [...times(1).slice(0, 7), ...times(0.2).slice(0, 3)]
    expect(compareStates(slices(restless), slices(times(0.4)), 20).verdict).toBe('not-worse')
    expect(
      compareStates(slices(STEADY), slices([...times(0.4).slice(0, 7), 99e6, 99e6, 99e6]), 20).verdict,
    ).toBe('not-worse')
  })

  test('one slice that is out of line hides nothing', () => {
    expect(compareStates(slices([...STEADY, 1e6]), slices([...times(0.4), 200e6]), 20).verdict).toBe('worse')
  })

  test('says nothing of an idle NIC, before or after', () => {
    const quiet = 'less than 50 packets/s: too little traffic'
    expect(compareStates(slices(STEADY, 3), slices(times(0.5)), 20)).toEqual({ verdict: 'quiet', why: quiet })
    expect(compareStates(slices(STEADY), slices(times(0.001), 1), 20)).toEqual({
      verdict: 'quiet',
      why: quiet,
    })
  })
})
