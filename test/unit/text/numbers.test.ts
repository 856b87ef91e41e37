import { expect, it } from 'vitest'
import { parseWholeNumber } from '../../../src/text/numbers'

it.each([
  ['0', 0],
  ['0042', 42],
  ['18446744073709551615', 2 ** 64],
  ['184467440737095516150', undefined],
  ['', undefined],
  [undefined, undefined],
  ['-1', undefined],
  ['+1', undefined],
  ['1.5', undefined],
  ['1e3', undefined],
  ['0x10', undefined],
  [' 1', undefined],
  ['1\n', undefined],
  ['1n', undefined],
  // Digits of another script.
  ['\u0661', undefined],
])('%j is %s', (text, number) => {
  expect(parseWholeNumber(text)).toBe(number)
})
