import { describe, expect, it } from 'vitest'
import { parseRings, readRings } from '../../../src/kernel/rings'
import type { System, ToolResult } from '../../../src/system/system'
import { writingSystem } from '../../support/nic-context'

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

describe('a NIC that is asked', () => {
  const ask = (run: () => Promise<ToolResult>) =>
    readRings(Object.assign(writingSystem().system, { run }) as System, 'eth2')
  const answers = (code: number, stdout: string, stderr = '') => ask(async () => ({ code, stdout, stderr }))

  it('tells its sizes, or that the driver has none', async () => {
    expect(await answers(0, RINGS)).toEqual({ rx: 256, rxMaximum: 1024, tx: 512, txMaximum: 1024 })
    expect(await answers(81, '', 'netlink error: Operation not supported\n')).toBe('unsupported')
    expect(await answers(0, RINGS.replaceAll(/\d+$/gm, 'n/a'))).toBe('unsupported')
  })

  it('is unknown where ethtool fails, or cannot be run', async () => {
    expect(await answers(81, '', 'netlink error: No such device\n')).toBe('unknown')
    expect(await ask(() => Promise.reject(new Error('hangs')))).toBe('unknown')
  })
})
