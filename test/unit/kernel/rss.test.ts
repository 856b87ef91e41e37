import { describe, expect, it } from 'vitest'
import { parseRssTable, readRssTable } from '../../../src/kernel/rss'
import { capturedGuest, guestFile } from '../../support/captured-guest'

describe('RSS table', () => {
  const hand = guestFile('rss-table-by-hand', 'ethtool/enp0s8.x')

  it('is a default, for a number of queues, or made by hand', () => {
    // `ethtool -X enp0s8 weight 1 1 2 4`
    const entries = [16, 16, 32, 64].map((count, queue) => [queue, count])
    expect(parseRssTable(hand)).toEqual({ size: 128, spread: { entries } })
    const made = guestFile('rss', 'ethtool/enp0s8.x')
    expect(parseRssTable(made)).toEqual({ size: 128, spread: { equal: 4 } })
    const two = made
      .replaceAll(' 2 ', ' 0 ')
      .replaceAll(/ 2$/gm, ' 0')
      .replaceAll(/ 3( |$)/gm, ' 1$1')
    expect(parseRssTable(two)).toEqual({ size: 128, spread: { equal: 2 } })
    const three = '    0:      0     1     2     0     1     2     0     1\n    8:      2     0\n'
    expect(parseRssTable(three)).toEqual({ size: 10, spread: { equal: 3 } })
    expect(parseRssTable('    0:      2     1     0     2     1     0\n')).toEqual({
      size: 6,
      spread: {
        entries: [
          [0, 2],
          [1, 2],
          [2, 2],
        ],
      },
    })
    expect(parseRssTable('    0:      0     0\n')).toEqual({ size: 2, spread: { equal: 1 } })
    expect(parseRssTable(guestFile('debian-6.12-4cpu-4q', 'ethtool/enp0s8.x'))).toBeUndefined()
  })

  it('is read, is none where the driver has none, and is unknown where ethtool fails', async () => {
    const { system } = capturedGuest('rss')
    expect(await readRssTable(system, 'enp0s8')).toEqual({ size: 128, spread: { equal: 4 } })
    expect(await readRssTable(capturedGuest('debian-6.12-4cpu-4q').system, 'enp0s8')).toBe('none')
    const answering = (code: number, stdout: string, stderr: string) => ({
      ...system,
      run: async () => ({ code, stdout, stderr }),
    })
    const unsupported = 'netlink error: Operation not supported\n'
    expect(await readRssTable(answering(1, '', unsupported), 'enp0s8')).toBe('none')
    expect(await readRssTable(answering(0, '', ''), 'enp0s8')).toBe('none')
    expect(await readRssTable(answering(1, '', 'netlink error: Busy\n'), 'enp0s8')).toBe('unknown')
    const hanging = { ...system, run: () => Promise.reject(new Error('hangs')) }
    expect(await readRssTable(hanging, 'enp0s8')).toBe('unknown')
  })
})
