import { expect, it, vi } from 'vitest'
import { paint } from '../../../src/text/paint'

/** The library decides once, when it is loaded; a test's output is no terminal. */
vi.hoisted(() => {
  delete process.env.NO_COLOR
  process.env.FORCE_COLOR = '1'
})

const styled = (color: boolean): readonly string[] => {
  const { good, warn, bad, dim } = paint(color)
  return [good, warn, bad, dim].map((style) => style('x'))
}

it('without colours text stays as it is', () => {
  expect(styled(false)).toEqual(['x', 'x', 'x', 'x'])
})

it('good is green, a warning yellow, bad is red', () => {
  expect(styled(true)).toEqual([
    ...['\u001b[32mx\u001b[39m', '\u001b[33mx\u001b[39m', '\u001b[31mx\u001b[39m', '\u001b[2mx\u001b[22m'],
  ])
})
