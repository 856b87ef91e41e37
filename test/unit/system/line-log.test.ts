import { describe, expect, it } from 'vitest'
import { newestLines } from '../../../src/system/line-log'

describe('the newest lines', () => {
  it.each([
    ['', 10, ''],
    ['one', 10, 'one\n'],
    ['one\ntwo\n', 8, 'one\ntwo\n'],
    // Of a line that does not fit nothing is left.
    ['one\ntwo\n', 7, 'two\n'],
    ['one\ntwo\n', 4, 'two\n'],
    ['one\ntwo', 4, 'two\n'],
    ['one\ntwo\n', 3, ''],
    ['one\ntwo\n', 0, ''],
    ['\u00e4\u00e4\n\u00e4\n', 3.5, '\u00e4\n'],
    ['\u00e4\u00e4\n\u00e4\n', 7, '\u00e4\n'],
  ])('of %j that fit into %d bytes', (text, maxBytes, expected) => {
    expect(newestLines(Buffer.from(text), maxBytes).toString()).toBe(expected)
  })
})
