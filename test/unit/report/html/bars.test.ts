import { describe, expect, it } from 'vitest'
import { barChart, legend } from '../../../../src/report/html/bars'

const parts = (...values: number[]) => values.map((value, i) => ({ value, kind: 'ab'[i] ?? 'c' }))
const bar = (...values: number[]) => ({ label: 'queue 0', parts: parts(...values), note: 'n' })
/** Place and width of each part, in percent. */
const drawn = (html: string) =>
  [...html.matchAll(/class="[abc]" x="([\d.]+)%" width="([\d.]+)%"/g)].map(([, x, width]) => [
    Number(x),
    Number(width),
  ])

describe('bars', () => {
  it('are as wide as their share of the largest sum, one part after the other', () => {
    expect(drawn(barChart('t', [bar(1, 2), bar(2, 2)]))).toEqual([
      [0, 25],
      [25, 50],
      [0, 50],
      [50, 50],
    ])
  })

  it('are never wider than there is room, whatever fills it', () => {
    expect(drawn(barChart('t', [bar(1, 1)], 4))).toEqual([
      [0, 25],
      [25, 25],
    ])
    expect(drawn(barChart('t', [bar(3, 3, 1)], 4))).toEqual([
      [0, 75],
      [75, 25],
      [100, 0],
    ])
  })

  it('of nothing have no width, and are no numbers that are none', () => {
    const html = barChart('t', [bar(0, 0)])
    expect(drawn(html)).toEqual([
      [0, 0],
      [0, 0],
    ])
    expect(html).not.toContain('NaN')
    expect(barChart('t', [])).toBe('<div class="chart" role="group" aria-label="t"></div>')
  })

  it('are read out with label and note; all text is escaped', () => {
    const html = barChart('<t>', [{ label: '<l>', note: '"n"', parts: [{ value: 1, kind: '"k' }] }])
    expect(html).toContain('aria-label="&lt;t&gt;"')
    expect(html).toContain('<svg role="img" aria-label="&lt;l&gt;: &quot;n&quot;">')
    expect(html).toContain('class="&quot;k"')
    expect(html).toContain('<span class="note">&quot;n&quot;</span>')
  })
})

it('a legend has a colour and a text for each kind', () => {
  const html = legend([
    ['rx', 'received'],
    ['tx', 'sent & queued'],
  ])
  expect(
    [...html.matchAll(/class="(rx|tx)"[^>]*\/><\/svg>([^<]*)</g)].map(([, kind, text]) => [kind, text]),
  ).toEqual([
    ['rx', 'received'],
    ['tx', 'sent &amp; queued'],
  ])
})
