import { expect, it } from 'vitest'
import { requestRecords } from '../../../src/drift/request-record'

const AT = '2026-01-01T00:00:00.000Z'
const asked = (irqs: number[], added: number[], released: number[]) => ({
  ...{ pid: 812, added, released, problem: undefined },
  nics: [{ virtio: 'virtio2', ifindex: 2, name: 'eth2', irqs }],
})

it('tells from how many interrupts to how many, and that irqbalance confirmed it', () => {
  expect(requestRecords(asked([26, 27, 28, 29], [27, 28, 29], []), AT)).toEqual([
    {
      ...{ at: AT, kind: 'irqbalance', nic: null, old: '1 interrupt', new: '4 interrupts' },
      ...{ writer: 'vqtune', evidence: 'irqbalance (pid 812) confirmed which interrupts it leaves alone' },
      ...{ action: 'asked', why: '' },
    },
  ])
})

it('tells what was given back; a request that also gives some back is a request', () => {
  const shown = (of: ReturnType<typeof asked>) =>
    requestRecords(of, AT).map(({ old, new: now, action }) => [old, now, action])
  expect(shown(asked([], [], [26, 27]))).toEqual([['2 interrupts', '0 interrupts', 'given-back']])
  expect(shown(asked([26, 30], [30], [27]))).toEqual([['2 interrupts', '2 interrupts', 'asked']])
})

it('tells nothing where nothing has changed', () => {
  expect(requestRecords(asked([26], [], []), AT)).toEqual([])
})
