import { expect, it } from 'vitest'
import { renderTable } from '../../../src/text/table'

it('columns are aligned, two blanks apart, without a blank at the end of a line', () => {
  const text = renderTable(
    ['NIC', 'CHANNELS', 'WHY'],
    [
      ['eth0', '4', ''],
      ['enp0s3np0', '12', 'host'],
    ],
  )
  expect(text).toBe(
    `NIC        CHANNELS  WHY
eth0       4
enp0s3np0  12        host
`,
  )
})

it('a wide character takes two columns', () => {
  expect(
    renderTable(
      ['A', 'B'],
      [
        ['\u6f22', 'x'],
        ['abc', 'y'],
      ],
    ),
  ).toBe('A    B\n\u6f22   x\nabc  y\n')
})

it('a table without rows is its head', () => {
  expect(renderTable(['A', 'B'], [])).toBe('A  B\n')
})
