import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { COUNT, CPUS, INTERRUPT_CPUS } from '../../../src/tunables/codecs'

describe('a count', () => {
  it('is one or more', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 1024 }), (n) => COUNT.parse(COUNT.format(n)) === n))
    for (const text of ['0', '', '-1', '1.5', '1e3', 'x']) expect(COUNT.parse(text), text).toBeUndefined()
    expect(COUNT.restorable(4, [0])).toBe(4)
  })
})

describe('CPUs', () => {
  it('are a list as the kernel prints it', () => {
    expect(CPUS.parse('0-2,5')).toEqual([0, 1, 2, 5])
    expect(CPUS.format([0, 1, 2, 5])).toBe('0-2,5')
    expect(CPUS.parse('')).toEqual([])
    expect(CPUS.parse('9-1')).toBeUndefined()
  })

  it('can be restored as far as they are online', () => {
    expect(CPUS.restorable([1, 3], [0, 1])).toEqual([1])
    expect(CPUS.restorable([3], [0, 1])).toBeUndefined()
    expect(CPUS.restorable([], [0, 1])).toEqual([])
    expect(INTERRUPT_CPUS.restorable([1, 3], [0, 1])).toEqual([1])
    expect(INTERRUPT_CPUS.restorable([3], [0, 1])).toBeUndefined()
    expect(INTERRUPT_CPUS.restorable([], [0, 1])).toBeUndefined()
  })
})
