import { describe, expect, it } from 'vitest'
import { numberOption } from '../../../src/commands/number-option'

const seconds = (text?: string | boolean) => numberOption({ seconds: text }, 'seconds', 10, 0.5, 600)

describe('an option that takes a number', () => {
  it.each([
    [undefined, 10],
    // A flag is no number.
    [true, 10],
    ['0.5', 0.5],
    ['600', 600],
    ['007', 7],
    ['2.25', 2.25],
  ])('%j is %d', (text, value) => {
    expect(seconds(text)).toBe(value)
  })

  it.each(['0.49', '601', '-1', '', ' 5', '5s', '1e2', '0x10', '.5', '5.', 'Infinity', 'NaN'])(
    '%j is refused with the range',
    (text) => {
      expect(() => seconds(text)).toThrow(
        expect.objectContaining({ kind: 'usage', message: `--seconds ${text}: must be 0.5 to 600` }),
      )
    },
  )
})
