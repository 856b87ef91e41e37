import { describe, expect, test } from 'vitest'
import { parseCpuTicks, parseNicCounters } from '../../../src/kernel/counters'
import { parseInterruptCounts } from '../../../src/kernel/interrupt-counts'
import { parseQueueStats } from '../../../src/kernel/queue-stats'
import { parseTcpSegments } from '../../../src/kernel/tcp-segments'
import { countFlows, jainIndex, parseNetSoftirqs, parseSoftnet } from '../../../src/report/parse'
import { guestFile } from '../../support/captured-guest'

test('debian-6.12-4cpu-4q: interrupts of each queue by CPU', () => {
  const { cpus, byAction } = parseInterruptCounts(guestFile('debian-6.12-4cpu-4q', 'proc/interrupts'))
  expect(cpus).toEqual([0, 1, 2, 3])
  for (const name of ['virtio3-input.0', 'virtio3-output.3']) expect(byAction.get(name)).toHaveLength(4)
  expect(parseInterruptCounts('')).toEqual({ cpus: [], byAction: new Map() })
})

test('vcpu-offlined-3of4: columns are those of online CPUs', () => {
  expect(parseInterruptCounts(guestFile('vcpu-offlined-3of4', 'proc/interrupts')).cpus).toHaveLength(3)
})

test('debian-6.1-4cpu-4q: ethtool tells packets of each queue', () => {
  const name = 'debian-6.1-4cpu-4q'
  const nic = /^\s*(enp\w+):/m.exec(guestFile(name, 'proc/net/dev'))?.[1] ?? ''
  const stats = parseQueueStats(guestFile(name, `ethtool/${nic}.S`))
  expect([...stats.keys()]).toEqual([0, 1, 2, 3])
  const counters = parseNicCounters(guestFile(name, 'proc/net/dev'), nic)
  const sum = [...stats.values()].reduce((total, { rxPackets }) => total + (rxPackets ?? 0), 0)
  expect([sum, counters?.rxPackets]).toEqual([10, 10])
  expect(parseNicCounters(guestFile(name, 'proc/net/dev'), 'nope')).toBeUndefined()
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

test.each(['rhel8.10-changed', 'rhel9.6-changed', 'rhel10.0-changed'])(
  '%s: softnet_stat, CPU 3 offline',
  (guest) => {
    expect([...parseSoftnet(guestFile(guest, 'proc/net/softnet_stat'), [0, 1, 2]).keys()]).toEqual([0, 1, 2])
  },
)

test('softnet_stat names the CPU since 5.10, and means the online ones before', () => {
  const told = parseSoftnet(guestFile('debian-6.12-4cpu-4q', 'proc/net/softnet_stat'), [0, 1, 2, 3])
  expect([...told.keys()]).toEqual([0, 1, 2, 3])
  const old = '0000000a 00000001 00000002 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n'
  expect(parseSoftnet(old + old, [0, 2])).toEqual(
    new Map([0, 2].map((cpu) => [cpu, { processed: 10, dropped: 1, squeezed: 2 }])),
  )
  expect(parseSoftnet('', [0])).toEqual(new Map())
})

test('softirqs by CPU', () => {
  const softirqs = parseNetSoftirqs(guestFile('debian-6.12-4cpu-4q', 'proc/softirqs'))
  expect([...softirqs.keys()]).toEqual([0, 1, 2, 3])
  expect([...softirqs.values()].reduce((sum, { rx }) => sum + rx, 0)).toBeGreaterThan(0)
})

describe('flows', () => {
  const line = (remote: string, state: string): string =>
    `   0: 0200004D:1451 ${remote}:9C40 ${state} 00000000:00000000 00:00000000 00000000     0        0 1\n`
  test('are established sockets with a peer elsewhere', () => {
    expect(countFlows(line('01004D0A', '01') + line('01004D0A', '0A'))).toBe(1)
    expect(countFlows(line('0100007F', '01'))).toBe(0)
    expect(countFlows(line('00000000000000000000000001000000', '01'))).toBe(0)
    expect(countFlows(line('0000000000000000FFFF00000100007F', '01'))).toBe(0)
    expect(countFlows(line('0000000000000000FFFF000001004D0A', '01'))).toBe(1)
  })
})

test('TCP segments are found by name, not by place', () => {
  const text = 'Ip: A B\nIp: 1 2\nTcp: RtoMin InSegs OutSegs RetransSegs\nTcp: 200 5 77 3\n'
  expect(parseTcpSegments(text)).toEqual({ sent: 77, retransmitted: 3 })
  expect(parseTcpSegments('Tcp: X\nTcp: 1\n')).toBeUndefined()
  expect(parseTcpSegments('')).toBeUndefined()
})

test('CPU ticks leave stolen and idle time out of busy', () => {
  const ticks = parseCpuTicks('cpu  10 1 20 100 5 2 3 7 4 0\ncpu0 10 1 20 100 5 2 3 7 4 0\nintr 1\n')
  expect(ticks.get('cpu0')).toEqual({ busy: 36, softirq: 3, stolen: 7, total: 148 })
  expect(ticks.size).toBe(2)
})

test("Jain's index", () => {
  expect(jainIndex([5, 5, 5, 5])).toBe(1)
  expect(jainIndex([8, 0, 0, 0])).toBe(0.25)
  expect(jainIndex([0, 0])).toBeUndefined()
  expect(jainIndex([])).toBeUndefined()
})
