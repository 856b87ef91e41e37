import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatCpuList,
  formatCpuMask,
  parseCpuList,
  parseCpuMask,
  sameCpus,
} from '../../../src/kernel/cpulist'

const cpus = fc
  .uniqueArray(fc.integer({ min: 0, max: 300 }), { maxLength: 300 })
  .map((list) => list.sort((a, b) => a - b))

describe('CPU lists', () => {
  it.each([
    ['', []],
    ['\n', []],
    ['(null)\n', []],
    ['0', [0]],
    ['0-3,8\n', [0, 1, 2, 3, 8]],
    ['8,0-1', [0, 1, 8]],
    ['0-1,1-2', [0, 1, 2]],
  ])('parses %j', (text, expected) => {
    expect(parseCpuList(text)).toEqual(expected)
  })

  it.each(['x', '1-', '3-1', '-1', '0-99999', '0,,1', '1.5', '0x3'])('refuses %j', (text) => {
    expect(parseCpuList(text)).toBeUndefined()
  })

  it('prints the shortest form', () => {
    expect(formatCpuList([0, 1, 2, 5, 7, 8])).toBe('0-2,5,7-8')
    expect(formatCpuList([])).toBe('')
  })

  it('reads back what it prints', () => {
    fc.assert(
      fc.property(cpus, (list) => {
        expect(parseCpuList(formatCpuList(list))).toEqual(list)
      }),
    )
  })

  it('of any text that looks like one are ascending, each CPU once', () => {
    const looksLike = fc.stringMatching(/^[0-9,-]{0,12}$/)
    fc.assert(
      fc.property(looksLike, (text) => {
        const list = parseCpuList(text)
        fc.pre(list !== undefined)
        expect(list).toEqual([...new Set(list)].sort((a, b) => a - b))
        expect(parseCpuList(formatCpuList(list))).toEqual(list)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('CPU masks', () => {
  it.each([
    ['f\n', [0, 1, 2, 3]],
    ['00000000,00000005', [0, 2]],
    ['1,00000000', [32]],
    ['80000000', [31]],
    ['0', []],
  ])('parses %j', (text, expected) => {
    expect(parseCpuMask(text)).toEqual(expected)
  })

  it.each(['', 'g', '123456789', '1,,2', `${'0,'.repeat(300)}1`])('refuses %j', (text) => {
    expect(parseCpuMask(text)).toBeUndefined()
  })

  it('prints 32-bit groups as the kernel takes them', () => {
    expect(formatCpuMask([0, 1, 2, 3])).toBe('f')
    expect(formatCpuMask([31, 32, 71])).toBe('80,00000001,80000000')
    expect(formatCpuMask([])).toBe('0')
  })

  it('reads back what it prints', () => {
    fc.assert(
      fc.property(cpus, (list) => {
        expect(parseCpuMask(formatCpuMask(list))).toEqual(list)
      }),
    )
  })
})

it('compares sets, not lengths', () => {
  expect(sameCpus([0, 1], [0, 1])).toBe(true)
  expect(sameCpus([0, 1], [0, 2])).toBe(false)
  expect(sameCpus([0], [0, 1])).toBe(false)
})
