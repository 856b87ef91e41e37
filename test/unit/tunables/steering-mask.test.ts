import { expect, it } from 'vitest'
import { readMasks, writeMask } from '../../../src/tunables/steering-mask'
import { NIC, writingSystem } from '../../support/nic-context'
import { systemWith } from '../../support/systems'

it('masks are read as lists of CPUs, in groups of 32 bits with the highest first', () => {
  const file = (queue: number) => `/sys/class/net/eth2/queues/rx-${queue}/rps_cpus`
  const system = systemWith({ [file(0)]: '00000001,0000000a\n', [file(1)]: '0\n', [file(2)]: 'x\n' })
  expect(readMasks(system, NIC, 'rx', 'rps_cpus', 'RPS')).toEqual([
    { key: 'queue 0', value: [1, 3, 32], label: 'queue 0 RPS', file: `${system.paths.root}${file(0)}` },
    { key: 'queue 1', value: [], label: 'queue 1 RPS', file: `${system.paths.root}${file(1)}` },
  ])
})

it('masks are written as the kernel takes them, none as 0', () => {
  const { system, written } = writingSystem()
  const step = {
    ...{ tunable: 'rps', nic: 'eth2', ifindex: 2, key: 'queue 0', label: 'queue 0 RPS', file: '/f' },
    ...{ old: '', new: '1,3,32', reason: 'why' },
  }
  writeMask(system, step, [1, 3, 32])
  writeMask(system, step, [])
  expect(written).toEqual([
    ['/f', '1,0000000a'],
    ['/f', '0'],
  ])
})
