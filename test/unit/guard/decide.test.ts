import { describe, expect, test } from 'vitest'
import { decideGuard, type GuardSlice } from '../../../src/guard/decide'

function slices(rates: readonly number[], cost: number, packets = 10_000): GuardSlice[] {
  return rates.map((bytes) => ({ seconds: 1, bytes, packets, cpuSeconds: bytes * cost }))
}
const STEADY = [100e6, 101e6, 99e6, 102e6, 98e6]
const LESS = STEADY.map((rate) => rate * 0.5)

describe('guard', () => {
  test('steps back when much less is moved and each byte costs much more', () => {
    const decision = decideGuard(slices(STEADY, 1e-9), slices(LESS, 2e-9), 20)
    expect(decision).toEqual({ kind: 'step-back', why: 'rate -50 %, CPU time for a byte +100 %' })
  })

  test('does not take a smaller demand for a regression', () => {
    expect(decideGuard(slices(STEADY, 1e-9), slices(LESS, 1e-9), 20).kind).toBe('inconclusive')
  })

  test('keeps what is as good or better, whatever it costs', () => {
    expect(decideGuard(slices(STEADY, 1e-9), slices(STEADY, 3e-9), 20).kind).toBe('keep')
    expect(decideGuard(slices(LESS, 1e-9), slices(STEADY, 1e-9), 20).kind).toBe('keep')
  })

  test('does not act between half and the whole of the limit, nor when a single slice overlaps', () => {
    const slightly = STEADY.map((rate) => rate * 0.85)
    expect(decideGuard(slices(STEADY, 1e-9), slices(slightly, 2e-9), 20).kind).toBe('inconclusive')
    const overlapping = [...LESS.slice(1), 100e6]
    expect(decideGuard(slices(STEADY, 1e-9), slices(overlapping, 2e-9), 20).kind).toBe('inconclusive')
  })

  test('says nothing about an idle NIC or too short a time', () => {
    expect(decideGuard(slices(STEADY, 1e-9, 3), slices(LESS, 2e-9, 3), 20).why).toContain(
      'too little traffic',
    )
    expect(decideGuard(slices(STEADY.slice(1), 1e-9), slices(LESS, 2e-9), 20).kind).toBe('inconclusive')
  })
})
