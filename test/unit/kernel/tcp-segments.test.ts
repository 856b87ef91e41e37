import { expect, test } from 'vitest'
import { parseTcpSegments } from '../../../src/kernel/tcp-segments'

test('TCP segments are found by name, not by place', () => {
  const text = 'Ip: A B\nIp: 1 2\nTcp: RtoMin InSegs OutSegs RetransSegs\nTcp: 200 5 77 3\n'
  expect(parseTcpSegments(text)).toEqual({ sent: 77, retransmitted: 3 })
  expect(parseTcpSegments('Tcp: X\nTcp: 1\n')).toBeUndefined()
  expect(parseTcpSegments('')).toBeUndefined()
})

test('of the lines that a kernel prints, those of TCP', () => {
  const text = `Icmp: InMsgs InErrors OutMsgs
Icmp: 1 2 3
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors
Tcp: 1 200 120000 -1 12 5 0 0 3 4096 3072 17 0 2 0
Udp: InDatagrams NoPorts
Udp: 8 9
`
  expect(parseTcpSegments(text)).toEqual({ sent: 3072, retransmitted: 17 })
})

test.each([
  'Tcp: OutSegs RetransSegs\n',
  'Tcp: OutSegs RetransSegs\nTcp: 77\n',
  'Tcp: OutSegs RetransSegs\nTcp: 77 -1\n',
  'TcpExt: OutSegs RetransSegs\nTcpExt: 77 3\n',
])('%j does not tell both', (text) => expect(parseTcpSegments(text)).toBeUndefined())
