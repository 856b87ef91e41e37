import { expect, it } from 'vitest'
import { readSnapshot } from '../../../src/report/snapshot'
import type { System } from '../../../src/system/system'
import { NIC } from '../../support/nic-context'
import { systemWith } from '../../support/systems'

const FILES = {
  '/proc/net/dev': `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
  eth2:    1000      10    0    3    0     0          0         0     2000      20    0    4    0     0       0          0
`,
  '/proc/stat': 'cpu  1 2 3 4 5 6 7 8\ncpu0 10 0 20 100 0 0 5 1 0 0\n',
  '/proc/softirqs':
    '                    CPU0       CPU1\n      NET_TX:          1          2\n      NET_RX:         30         40\n',
  '/proc/net/softnet_stat': '0000001f 00000001 00000002 0 0 0 0 0 0 0 0 0 00000000\n',
  // One that is established with a peer elsewhere, one that listens.
  '/proc/net/tcp': `  sl  local_address rem_address   st tx_queue rx_queue
   0: 0100000A:0016 0200000A:C350 01 00000000:00000000
   1: 00000000:0016 00000000:0000 0A 00000000:00000000
`,
  '/proc/net/udp': '  sl\n   0: 0100000A:0035 0300000A:0035 01 00000000:00000000\n',
  '/proc/sys/net/netfilter/nf_conntrack_count': '17\n',
}
const QDISC = '[{"kind":"mq","handle":"0:","root":true,"requeues":5}]'

function guest(files: Readonly<Record<string, string>>, tools: readonly string[]) {
  const calls: string[] = []
  const system: System = Object.assign(Object.create(systemWith(files)) as System, {
    findTool: (tool: string) => (tools.includes(tool) ? `/usr/sbin/${tool}` : undefined),
    run: async (tool: string, args: readonly string[]) => {
      calls.push([tool, ...args].join(' '))
      return { code: 0, stdout: tool === 'tc' ? QDISC : '', stderr: '' }
    },
  })
  return { system, calls }
}

it('reads all counters, with one run of ethtool and of tc for each NIC', async () => {
  const { system, calls } = guest(FILES, ['ethtool', 'tc'])
  const shot = await readSnapshot(system, [NIC], [0])
  expect(calls).toEqual(['ethtool -S eth2', 'tc -s -j qdisc show dev eth2'])
  expect(shot.nics.get('eth2')).toMatchObject({
    counters: { rxBytes: 1000, rxPackets: 10, txBytes: 2000, txPackets: 20 },
    ...{ drops: { rx: 3, tx: 4 }, qdisc: { kind: 'mq', requeues: 5 } },
  })
  expect([...shot.cpus.keys()]).toContain('cpu0')
  expect(shot.softirqs.get(1)).toEqual({ rx: 40, tx: 2 })
  expect(shot.softnet.get(0)).toEqual({ processed: 31, dropped: 1, squeezed: 2 })
  expect(shot.flows).toEqual({ sockets: 2, tracked: 17 })
})

it('starts nothing that is missing, and takes a missing file for an empty one', async () => {
  const { system, calls } = guest({}, [])
  const shot = await readSnapshot(system, [NIC], [0])
  expect(calls).toEqual([])
  expect(shot.nics.get('eth2')).toEqual({
    counters: { rxBytes: 0, rxPackets: 0, txBytes: 0, txPackets: 0 },
    ...{ drops: undefined, queues: new Map(), qdisc: undefined },
  })
  expect(shot.flows).toEqual({ sockets: 0, tracked: undefined })
})

it('has the time of a clock that cannot be set', async () => {
  const { system } = guest({}, [])
  const first = await readSnapshot(system, [], [])
  const second = await readSnapshot(system, [], [])
  expect(second.atMs).toBeGreaterThanOrEqual(first.atMs)
  expect(second.atMs).toBeLessThanOrEqual(performance.now())
})
