import { expect, test } from 'vitest'
import { joinedLines } from '../../../src/writers/joined-lines'

test.each([
  ['a\nb', ['1 a', '2 b']],
  ['a\r\nb\r\n', ['1 a', '2 b', '3 ']],
  ['a \\\n b \\\nc\nd', ['1 a   b  c', '4 d']],
  ['# a\n  # b\nc', ['3 c']],
  // Within a joined line it is text.
  ['a \\\n# b\nc', ['1 a  # b', '3 c']],
  ['# a \\\nb', ['2 b']],
  ['a \\', ['1 a ']],
  ['', ['1 ']],
])('%j', (text, expected) => {
  expect(joinedLines(text).map((one) => `${one.line} ${one.text}`)).toEqual(expected)
})
