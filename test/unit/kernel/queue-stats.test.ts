import { expect, test } from 'vitest'
import { parseNicCounters } from '../../../src/kernel/counters'
import { parseQueueStats, readQueueStats } from '../../../src/kernel/queue-stats'
import { guestFile } from '../../support/captured-guest'
import { systemWith, withPrograms } from '../../support/systems'

test('debian-6.1-4cpu-4q: ethtool tells packets of each queue', () => {
  const name = 'debian-6.1-4cpu-4q'
  const nic = /^\s*(enp\w+):/m.exec(guestFile(name, 'proc/net/dev'))?.[1] ?? ''
  const stats = parseQueueStats(guestFile(name, `ethtool/${nic}.S`))
  expect([...stats.keys()]).toEqual([0, 1, 2, 3])
  const counters = parseNicCounters(guestFile(name, 'proc/net/dev'), nic)
  const sum = [...stats.values()].reduce((total, { rxPackets }) => total + (rxPackets ?? 0), 0)
  expect([sum, counters?.rxPackets]).toEqual([10, 10])
})

test.each(['debian-6.12-4cpu-4q', 'rhel10.0-4cpu-4q'])('%s: ethtool tells kicks, but no packets', (guest) => {
  const stats = parseQueueStats(guestFile(guest, 'ethtool/enp0s8.S'))
  expect(stats.size).toBe(4)
  for (const queue of stats.values()) {
    expect(queue).toMatchObject({ rxPackets: undefined, txPackets: undefined, rxKicks: expect.any(Number) })
  }
})

test.each(['rhel8.10-4cpu-4q', 'rhel9.6-4cpu-4q'])('%s: ethtool tells packets of each queue', (guest) => {
  const stats = parseQueueStats(guestFile(guest, 'ethtool/enp0s8.S'))
  expect([...stats.keys()]).toEqual([0, 1, 2, 3])
  const sum = [...stats.values()].reduce((total, { rxPackets }) => total + (rxPackets ?? 0), 0)
  const received = parseNicCounters(guestFile(guest, 'proc/net/dev'), 'enp0s8')?.rxPackets ?? 0
  // Not read at the same moment.
  expect(Math.abs(sum - received)).toBeLessThan(3)
  expect(sum).toBeGreaterThan(0)
})

const STATS = `NIC statistics:
     rx_queue_0_packets: 5
     rx_queue_0_bytes: 700
     rx_queue_0_kicks: 2
     tx_queue_1_packets: 18446744073709551615
     tx_queue_1_xdp_tx: 3
     rx10_kicks: 4
     tx10_kicks: 6
`

test('both spellings of a counter are of its queue, and others than packets and kicks are left out', () => {
  const none = { rxPackets: undefined, txPackets: undefined, rxKicks: undefined, txKicks: undefined }
  expect(parseQueueStats(STATS)).toEqual(
    new Map([
      [0, { ...none, rxPackets: 5, rxKicks: 2 }],
      [1, { ...none, txPackets: 2 ** 64 }],
      [10, { ...none, rxKicks: 4, txKicks: 6 }],
    ]),
  )
})

test.each([
  '',
  'no stats available\n',
  'rx_queue_0_packets: -1\n',
  'rx_queue__packets: 1\n',
  'xrx0_kicks: 1\n',
])('%j has no counters', (text) => expect(parseQueueStats(text)).toEqual(new Map()))

test('ethtool -S is asked; a failing or missing one tells nothing', async () => {
  const asked = (ethtool: object) =>
    readQueueStats(withPrograms(systemWith({}), { ethtool: [ethtool] }), 'eth0')
  expect([...(await asked({ stdout: STATS })).keys()]).toEqual([0, 1, 10])
  expect(await asked({ code: 94, stdout: STATS, stderr: 'no stats available\n' })).toEqual(new Map())
  expect(await readQueueStats(withPrograms(systemWith({}), {}), 'eth0')).toEqual(new Map())
})
