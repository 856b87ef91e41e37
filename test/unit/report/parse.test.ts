import { describe, expect, test } from 'vitest'
import { parseCpuTicks } from '../../../src/kernel/counters'
import { countFlows, jainIndex, parseNetSoftirqs, parseSoftnet } from '../../../src/report/parse'
import { guestFile } from '../../support/captured-guest'

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
