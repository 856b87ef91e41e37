import { expect, it } from 'vitest'
import { queueKey, readQueueFiles } from '../../../src/tunables/queue-files'
import { NIC } from '../../support/nic-context'
import { systemWith } from '../../support/systems'

it('a queue is named by its number', () => {
  expect(queueKey(12)).toBe('queue 12')
})

it('files are read of the queues in use, without those that are missing or no value', () => {
  const queues = '/sys/class/net/eth2/queues'
  const system = systemWith({
    [`${queues}/rx-0/rps_flow_cnt`]: '4096\n',
    [`${queues}/rx-1/rps_flow_cnt`]: 'nonsense\n',
    // The NIC has four queues in use: not this one.
    [`${queues}/rx-4/rps_flow_cnt`]: '1\n',
    [`${queues}/tx-2/rps_flow_cnt`]: '2\n',
    [`${queues}/rx-3/rps_flow_cnt`]: '0\n',
  })
  const parse = (text: string) => (/^\d+\n$/.test(text) ? Number(text) : undefined)
  const root = system.paths.root
  expect(readQueueFiles(system, NIC, 'rx', 'rps_flow_cnt', 'flows', parse)).toEqual([
    { key: 'queue 0', value: 4096, label: 'queue 0 flows', file: `${root}${queues}/rx-0/rps_flow_cnt` },
    { key: 'queue 3', value: 0, label: 'queue 3 flows', file: `${root}${queues}/rx-3/rps_flow_cnt` },
  ])
})
