import { expect, it } from 'vitest'
import type { QueueLoad } from '../../../../src/report/compare'
import { queueMap } from '../../../../src/report/html/map'

const queue = (number: number, byCpu: Readonly<Record<number, number>>): QueueLoad => ({
  ...{ queue: number, cpus: [], rxInterrupts: 0, txInterrupts: 0 },
  ...{ rxPackets: undefined, txPackets: undefined, txKicks: undefined },
  byCpu: Object.entries(byCpu).map(([cpu, interrupts]) => ({ cpu: Number(cpu), interrupts })),
})
/** The cells of each row, as text. */
const rows = (html: string) =>
  html
    .split('<tr>')
    .slice(1)
    .map((row) => [...row.matchAll(/<t[hd][^>]*>([^<]*)</g)].map(([, text]) => text))

it('has a row for each queue and a column for each vCPU', () => {
  expect(rows(queueMap([queue(0, { 0: 7, 1: 1 }), queue(1, { 1: 9 })], [0, 1]))).toEqual([
    ['', 'CPU 0', 'CPU 1'],
    ['queue 0', '7', '1'],
    ['queue 1', '', '9'],
  ])
})

it('has a column for a vCPU that is offline by now, in the order of numbers', () => {
  expect(rows(queueMap([queue(0, { 2: 3, 10: 1 })], [0, 11]))[0]).toEqual([
    ...['', 'CPU 0', 'CPU 2', 'CPU 10', 'CPU 11'],
  ])
})

it('is darkest where most interrupts are, and the least is seen', () => {
  const html = queueMap([queue(0, { 0: 1_000, 1: 500, 2: 1 })], [0, 1, 2])
  expect([...html.matchAll(/--heat-share:([\d.]+)"/g)].map(([, heat]) => heat)).toEqual([
    '0.50',
    '0.29',
    '0.08',
  ])
})

it('without queues has only its head', () => {
  expect(rows(queueMap([], [0]))).toEqual([['', 'CPU 0']])
})
