import { describe, expect, it } from 'vitest'
import { parseRings } from '../../../src/kernel/rings'

/** ethtool 6.1 on Debian 12, virtio-net. */
const RINGS = `Ring parameters for enp0s8:
Pre-set maximums:
RX:		1024
RX Mini:	n/a
RX Jumbo:	n/a
TX:		1024
Current hardware settings:
RX:		256
RX Mini:	n/a
RX Jumbo:	n/a
TX:		512
RX Buf Len:		n/a
CQE Size:		n/a
TX Push:	off
`

describe('ethtool -g', () => {
  it('tells maxima first, then what is set', () => {
    expect(parseRings(RINGS)).toEqual({ rx: 256, rxMaximum: 1024, tx: 512, txMaximum: 1024 })
  })
  it.each([
    ['nothing', ''],
    ['an error', 'netlink error: Operation not supported\n'],
    ['a driver without sizes', RINGS.replace('RX:\t\t256', 'RX:\t\tn/a')],
    ['no second half', RINGS.slice(0, RINGS.indexOf('Current'))],
    ['no TX maximum', RINGS.replace('TX:\t\t1024', 'TX:\t\tn/a')],
    ['no TX size', RINGS.replace('TX:\t\t512', 'TX:\t\tn/a')],
    ['no RX maximum', RINGS.replace('RX:\t\t1024', 'RX:\t\tn/a')],
  ])('%s: not told', (_, text) => {
    expect(parseRings(text)).toBeUndefined()
  })
})
