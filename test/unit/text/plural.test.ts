import { expect, it } from 'vitest'
import { plural } from '../../../src/text/plural'

it.each([
  [0, '0 changes'],
  [1, '1 change'],
  [2, '2 changes'],
])('%i has the right number', (count, text) => {
  expect(plural(count, 'change')).toBe(text)
})
