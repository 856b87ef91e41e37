import { expect, it } from 'vitest'
import { describeSize } from '../../../src/report/size'

const of = (meanBytes: number | undefined) => ({ packets: 1, bytes: 1, meanBytes })

it.each([
  [undefined, 'no packets'],
  [66.4, '66 bytes each'],
  // The largest Ethernet frame, with a VLAN tag.
  [1518, '1518 bytes each'],
  [1519, '1519 bytes each, joined by GRO'],
  [65_000, '65000 bytes each, joined by GRO'],
])('packets of %s bytes', (meanBytes, text) => {
  expect(describeSize(of(meanBytes), 'GRO')).toBe(text)
})
