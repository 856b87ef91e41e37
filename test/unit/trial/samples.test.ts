import { describe, expect, it } from 'vitest'
import { metricOf, type Run, samplesOf } from '../../../src/trial/samples'

const ARM = { channels: 4, switches: {} }
const run = (bytes: number, more: Partial<Run['measured']> = {}): Run => ({
  ...{ round: 3, arm: ARM },
  measured: { seconds: 2, bytes, packets: 500, cpuSeconds: 0.5, p99Ms: 0.4, ...more },
})

describe('what a trial is rated by', () => {
  it.each([
    ['live traffic, however little', [0, 0], false, 'bytes'],
    ['a command that moves 64 KiB in most runs', [65_536, 65_536, 0], true, 'bytes'],
    ['a command that moves less', [65_535, 65_535], true, 'runs'],
    ['a command that moves them in half of its runs', [65_536, 0], true, 'runs'],
  ] as const)('%s', (_, bytes, isCommand, metric) => {
    expect(
      metricOf(
        bytes.map((count) => run(count)),
        isCommand,
      ),
    ).toBe(metric)
  })
})

describe('a sample', () => {
  it('by bytes has them per second, and busy seconds for each', () => {
    expect(samplesOf([run(1_000_000)], 'bytes')).toEqual([
      { round: 3, arm: ARM, rate: 500_000, cost: 5e-7, packets: 250, p99Ms: 0.4 },
    ])
  })

  it('by runs has runs per second, and busy seconds for one', () => {
    expect(samplesOf([run(0, { p99Ms: undefined })], 'runs')).toEqual([
      { round: 3, arm: ARM, rate: 0.5, cost: 0.5, packets: 250, p99Ms: undefined },
    ])
  })

  it('of nothing, or of no time, is none of anything', () => {
    expect(samplesOf([run(0)], 'bytes')).toMatchObject([{ rate: 0, cost: 0 }])
    expect(samplesOf([run(10, { seconds: 0 })], 'bytes')).toMatchObject([{ rate: 0, packets: 0 }])
  })
})
