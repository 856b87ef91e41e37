/** What `vqtune report` compares over a window: procfs and ethtool -S. */
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { parseInterruptCounts } from '../../src/kernel/interrupt-counts'
import { parseQueueStats } from '../../src/kernel/queue-stats'
import { parseTcpSegments } from '../../src/kernel/tcp-segments'
import { countFlows, jainIndex, parseNetSoftirqs, parseSoftnet } from '../../src/report/parse'
import { guestFile } from '../support/captured-guest'
import { holds, must } from './lib/check'
import { count, damaged, numbersIn, ofEveryEthtool } from './lib/texts'

const recorded = (file: string) => guestFile('debian-6.12-4cpu-4q', `proc/${file}`)
const snmp =
  'Ip: Forwarding DefaultTTL\nIp: 1 64\nTcp: RtoAlgorithm InSegs OutSegs RetransSegs\nTcp: 1 100 200 3\nUdp: InDatagrams\nUdp: 7\n'
const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0
   1: 0A4D0002:0016 0A4D0001:9C40 01 00000000:00000000 02:000A 00000000     0        0 12 2 0
`

describe('/proc/interrupts', () => {
  holds(
    'finds the counts of every CPU',
    fc.array(fc.tuple(fc.nat(5_000), fc.array(count, { minLength: 3, maxLength: 3 })), { maxLength: 8 }),
    (lines) => {
      const text = [
        '           CPU0       CPU2       CPU7',
        ...lines.map(
          ([irq, counts], i) =>
            ` ${irq}:   ${counts.join('    ')}  PCI-MSI 131073-edge      virtio0-input.${i}`,
        ),
        'ERR:          0',
      ].join('\n')
      const { cpus, byAction } = parseInterruptCounts(text)
      expect(cpus).toEqual([0, 2, 7])
      expect([...byAction.values()]).toEqual(lines.map(([, counts]) => counts))
    },
  )
  holds('invents no count', damaged(recorded('interrupts')), (text) => {
    const written = numbersIn(text)
    const { cpus, byAction } = parseInterruptCounts(text)
    for (const cpu of cpus) must(written.has(cpu), cpu)
    for (const [action, counts] of byAction) {
      must(counts.length === cpus.length && text.includes(action), action)
      for (const one of counts) must(written.has(one), one)
    }
  })
})

describe('/proc/softirqs, /proc/net/softnet_stat', () => {
  holds('softirqs: invents no count', damaged(recorded('softirqs')), (text) => {
    const written = numbersIn(text)
    for (const [cpu, { rx, tx }] of parseNetSoftirqs(text))
      for (const one of [cpu, rx, tx]) must(one === 0 || written.has(one), one)
  })
  holds(
    'softnet_stat: finds what was printed',
    fc.array(fc.tuple(fc.nat(0xffffffff), fc.nat(), fc.nat()), { minLength: 1, maxLength: 8 }),
    (rows) => {
      const hex = (value: number) => value.toString(16).padStart(8, '0')
      const text = rows
        .map(([a, b, c], cpu) => [a, b, c, ...new Array(9).fill(0), 2 * cpu].map(hex).join(' '))
        .join('\n')
      expect([...parseSoftnet(`${text}\n`, [])]).toEqual(
        rows.map(([processed, dropped, squeezed], cpu) => [2 * cpu, { processed, dropped, squeezed }]),
      )
    },
  )
  holds(
    'softnet_stat: takes whole hexadecimal numbers only',
    damaged(recorded('net/softnet_stat')),
    (text) => {
      const written = new Set((text.match(/[0-9a-f]+/gi) ?? []).map((word) => Number.parseInt(word, 16)))
      for (const [cpu, counts] of parseSoftnet(text, [0, 1, 2, 3])) {
        must(Number.isInteger(cpu), cpu)
        for (const one of Object.values(counts)) must(one === 0 || written.has(one), one)
      }
    },
  )
})

describe('ethtool -S', () => {
  holds(
    'finds packets and kicks in the spelling of old and new kernels',
    fc.array(fc.record({ rx: count, tx: count, old: fc.boolean() }), { maxLength: 8 }),
    (queues) => {
      const text = queues
        .map(({ rx, tx, old }, i) =>
          old
            ? `     rx_queue_${i}_packets: ${rx}\n     tx_queue_${i}_packets: ${tx}`
            : `     rx${i}_kicks: ${rx}\n     tx${i}_kicks: ${tx}`,
        )
        .join('\n')
      expect([...parseQueueStats(`NIC statistics:\n${text}\n`).values()]).toEqual(
        queues.map(({ rx, tx, old }) => ({
          rxPackets: old ? rx : undefined,
          txPackets: old ? tx : undefined,
          rxKicks: old ? undefined : rx,
          txKicks: old ? undefined : tx,
        })),
      )
    },
  )
  holds('invents no count', damaged(...ofEveryEthtool('statistics.txt')), (text) => {
    const written = numbersIn(text)
    for (const [queue, stats] of parseQueueStats(text))
      for (const one of [queue, ...Object.values(stats)]) must(one === undefined || written.has(one), one)
  })
})

describe('/proc/net/snmp, /proc/net/tcp', () => {
  holds('segments and flows are those of the text', damaged(snmp, tcp), (text) => {
    const segments = parseTcpSegments(text)
    const written = numbersIn(text)
    for (const one of Object.values(segments ?? {})) must(written.has(one), one)
    must(countFlows(text) <= (text.match(/ 01 /g) ?? []).length, text)
  })
})

describe("Jain's index", () => {
  holds(
    'is between one of n and 1, whatever the order',
    fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 64 }),
    (values) => {
      const index = jainIndex(values)
      must((index === undefined) === values.every((value) => value === 0), values)
      fc.pre(index !== undefined)
      must(index >= 1 / values.length - 1e-9 && index <= 1 + 1e-9, index)
      expect(jainIndex([...values].reverse())).toBeCloseTo(index, 9)
    },
  )
})
