import { describe, expect, it } from 'vitest'
import { growth, readCounters } from '../../../src/kernel/counters'
import { systemWith } from '../../support/systems'

it('a counter grew, or is that of another device', () => {
  expect([growth(3, 5), growth(5, 5), growth(5, 3)]).toEqual([2, 0, undefined])
})

describe('counters of a NIC', () => {
  const DEV = 'eth0: 1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n'

  it('are read with those of all CPUs', () => {
    expect(
      readCounters(systemWith({ '/proc/net/dev': DEV, '/proc/stat': 'cpu 1 0 0 9\n' }), 'eth0'),
    ).toMatchObject({
      nic: { rxBytes: 1, rxPackets: 2, txBytes: 3, txPackets: 4 },
      cpu: { busy: 1, total: 10 },
    })
  })

  it('that are not there are an error', () => {
    for (const files of [{}, { '/proc/net/dev': 'lo: 1\n' }])
      expect(() => readCounters(systemWith(files as Record<string, string>), 'eth0')).toThrow(
        'eth0: the NIC went away',
      )
    expect(() => readCounters(systemWith({ '/proc/net/dev': DEV }), 'eth0')).toThrow('no line for all CPUs')
    expect(() => readCounters(systemWith({ '/proc/net/dev': DEV, '/proc/stat': 'x' }), 'eth0')).toThrow(
      'no line for all CPUs',
    )
  })
})
