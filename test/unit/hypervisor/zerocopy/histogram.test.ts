import { expect, it } from 'vitest'
import { parseHistogram } from '../../../../src/hypervisor/zerocopy/histogram'
import { recorded } from '../recorded'

it('recorded histograms have a count for each value of the argument that was seen', () => {
  expect(parseHistogram(recorded('hist-works.txt'))).toEqual(new Map([[1, 120]]))
  expect(parseHistogram(recorded('hist-copied.txt'))).toEqual(new Map([[0, 2]]))
  expect(parseHistogram(recorded('hist-not-tried.txt'))).toEqual(new Map())
})

it('several values are several lines, and what is no bool is kept as it is', () => {
  const text =
    '{ success:          0 } hitcount:          3\n{ success: 1 } hitcount: 43\n{ success: 200 } hitcount: 1\n'
  expect(parseHistogram(text)).toEqual(
    new Map([
      [0, 3],
      [1, 43],
      [200, 1],
    ]),
  )
})

it.each([
  '',
  '# { success: 1 } hitcount: 43\n',
  '{ other: 1 } hitcount: 43\n',
  '{ success: 1, other: 2 } hitcount: 43\n',
  '{ success: yes } hitcount: 43\n',
  'Totals:\n    Hits: 43\n',
])('%j has none', (text) => {
  expect(parseHistogram(text)).toEqual(new Map())
})
