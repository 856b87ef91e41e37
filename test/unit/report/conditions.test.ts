import { expect, test } from 'vitest'
import type { NicLoad, Report } from '../../../src/report/compare'
import { judgeConditions } from '../../../src/report/conditions'
import { BUSY, NIC } from '../../support/report'

const answerOf = (report: Report, nic: NicLoad, id: string): string | undefined =>
  judgeConditions(report, nic, 4).find((condition) => condition.id === id)?.answer

test('acknowledgements are no small-packet risk, small replies are', () => {
  expect(answerOf(BUSY, NIC, 'small-outgoing')).toBe('no')
  const replies = { ...NIC, rx: { packets: 50_000, bytes: 4_000_000, meanBytes: 80 } }
  expect(answerOf(BUSY, replies, 'small-outgoing')).toBe('yes')
  expect(answerOf(BUSY, replies, 'large-packets')).toBe('no')
  expect(answerOf(BUSY, NIC, 'large-packets')).toBe('yes')
})

test('connections, queues and headroom', () => {
  expect(answerOf(BUSY, NIC, 'many-connections')).toBe('yes')
  expect(answerOf({ ...BUSY, flows: { sockets: 1, tracked: 2 } }, NIC, 'many-connections')).toBe('no')
  expect(answerOf({ ...BUSY, flows: { sockets: 0, tracked: undefined } }, NIC, 'many-connections')).toBe(
    'inconclusive',
  )
  expect(answerOf(BUSY, { ...NIC, channels: 2 }, 'queues-match-vcpus')).toBe('no')
  const full = BUSY.cpus.map((cpu) => ({ ...cpu, busy: 0.97 }))
  expect(answerOf({ ...BUSY, cpus: full }, NIC, 'cpu-headroom')).toBe('no')
  const stolen = BUSY.cpus.map((cpu) => ({ ...cpu, stolen: 0.3 }))
  expect(answerOf({ ...BUSY, cpus: stolen }, NIC, 'cpu-headroom')).toBe('no')
})

test('every queue receives, or it is proven that one does not', () => {
  const queue = { cpus: [0], txInterrupts: 1, byCpu: [], txPackets: 5, txKicks: undefined }
  const receiving = (...packets: (number | undefined)[]) => ({
    ...NIC,
    queues: packets.map((rxPackets, index) => ({ ...queue, queue: index, rxInterrupts: 1, rxPackets })),
  })
  const served = (nic: NicLoad, dead?: Parameters<typeof judgeConditions>[3]) =>
    judgeConditions(BUSY, nic, 4, dead).find(({ id }) => id === 'queues-served')
  expect(served(receiving(5, undefined))).toMatchObject({
    answer: 'yes',
    favours: true,
    why: '2 queues received',
  })
  expect(served(receiving(5, 0, 7, 0))).toMatchObject({
    answer: 'inconclusive',
    why: 'nothing arrived at queue 1,3, and too little traffic is known to call it a fault',
  })
  const why = 'queues 1,3 receive nothing'
  expect(served(receiving(5, 0, 7, 0), { queues: [1, 3], flows: 64, why })).toMatchObject({
    ...{ answer: 'no', favours: false, why },
  })
})
