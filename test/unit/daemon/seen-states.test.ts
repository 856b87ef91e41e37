import { expect, test } from 'vitest'
import { SeenStates } from '../../../src/daemon/seen-states'
import type { NicState } from '../../../src/planner/describe'

test('the present state of a NIC is 1, those that it had are 0, and those that it never had are not told', () => {
  const states = new SeenStates()
  const told = (present: Record<string, NicState>): string[] =>
    states
      .family(new Map(Object.entries(present)))
      .samples.map(({ labels = {}, value }) => `${labels.nic} ${labels.state} ${value}`)
  expect(told({ eth0: 'converged', eth1: 'skipped' })).toEqual(['eth0 converged 1', 'eth1 skipped 1'])
  expect(told({ eth0: 'drift', eth1: 'skipped' })).toEqual([
    'eth0 converged 0',
    'eth0 drift 1',
    'eth1 skipped 1',
  ])
  expect(told({ eth0: 'converged' })).toEqual(['eth0 converged 1', 'eth0 drift 0'])
  // Unplugged and back: a NIC that begins anew.
  expect(told({ eth1: 'converged' })).toEqual(['eth1 converged 1'])
})
