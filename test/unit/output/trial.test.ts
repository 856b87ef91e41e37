import { describe, expect, test } from 'vitest'
import { printJson } from '../../../src/output/json'
import { progressJson, progressText, trialJson, trialText } from '../../../src/output/trial'
import type { Arm } from '../../../src/trial/arm'
import type { ArmComparison, Sample, TrialVerdict } from '../../../src/trial/verdict'
import { expectSchema } from '../../support/schema'

const arm = (channels: number, rps?: string): Arm => ({
  channels,
  switches: rps === undefined ? {} : { rps },
})
const FOUR = arm(4)
const ONE = arm(1)
const SAME = { estimate: 1, low: 0.9, high: 1.1 }
const comparison = (more: Partial<ArmComparison> = {}): ArmComparison => ({
  ...{ arm: ONE, rate: { estimate: 1.2, low: 1.1, high: 1.3 }, cost: SAME, latency: undefined },
  ...{ chanceFaster: 0.01, chanceCheaper: 1, chanceSlower: 1, finding: 'faster' },
  ...more,
})
const verdict = (more: Partial<TrialVerdict> = {}): TrialVerdict => ({
  ...{ kind: 'better', arm: ONE, why: '1 channel moves more', comparisons: [comparison()] },
  ...more,
})
/** Two rounds: 10 and 30 Mb/s with four channels, 40 with one. */
const samples = (p99Ms?: number): Sample[] =>
  [0, 1].flatMap((round) => [
    { round, arm: FOUR, rate: round === 0 ? 1.25e6 : 3.75e6, cost: 1, packets: 9, p99Ms },
    { round, arm: ONE, rate: 5e6, cost: 1, packets: 9, p99Ms },
  ])
const NO_PROBE = { target: undefined, why: '--probe off' } as const
const LOOKS = [{ rounds: 7, level: 0.05 }]
const rows = (text: string) => text.split('\n').map((line) => line.split(/ {2,}/))

describe('the table', () => {
  test('has an arm a row, with the median, and beside the present one what differs', () => {
    expect(rows(trialText('eth0', FOUR, samples(), 'bytes', verdict(), LOOKS, NO_PROBE))).toEqual([
      ['channels', 'moved', 'vs. now (95 % CI)', 'CPU time per unit (95 % CI)', 'finding'],
      ['1', '40.0 Mb/s', '+20.0 % (+10.0 to +30.0 %)', '+0.0 % (-10.0 to +10.0 %)', 'faster'],
      ['4 (now)', '20.0 Mb/s'],
      ['eth0: better: 1 channel moves more'],
      ['2 of at most 7 rounds'],
      ['latency was not measured: --probe off'],
      [''],
    ])
  })

  test('has a column for small requests where they were measured', () => {
    const latency = { estimate: 1.5, low: 1.5, high: 1.5 }
    const found = (p99Ms?: number) =>
      rows(
        trialText(
          'eth0',
          FOUR,
          samples(p99Ms),
          'bytes',
          verdict({ comparisons: [comparison({ latency })] }),
          LOOKS,
          { target: '10.0.0.1' },
        ),
      )
    expect(found(0.4)[0]).toContain('p99 of ping (95 % CI)')
    expect(found(0.4)[1]).toContain('0.40 ms, +50.0 % (+50.0 to +50.0 %)')
    expect(found(0.4)[2]).toEqual(['4 (now)', '20.0 Mb/s', '0.40 ms'])
    expect(found(0.4)[5]).toEqual(['small requests: ping 10.0.0.1, each 10 ms'])
    expect(found()[2]).toEqual(['4 (now)', '20.0 Mb/s', '?'])
  })

  test('has a column for each other setting, and the time of a command that moves nothing', () => {
    const [off, spread] = [arm(2, 'off'), arm(2, 'spread')]
    const runs = [off, spread].map((one): Sample => ({ round: 0, arm: one, rate: 0.4, cost: 0, packets: 0 }))
    const stay = verdict({
      kind: 'stay',
      arm: off,
      comparisons: [comparison({ arm: spread, finding: 'not-shown' })],
    })
    const shown = rows(trialText('eth0', off, runs, 'runs', stay, [], NO_PROBE))
    expect(shown[0]?.slice(0, 3)).toEqual(['channels', 'rps', 'speed'])
    expect(shown[1]).toEqual(['2 (now)', 'off', '2.50 s per run'])
    expect(shown[2]?.[1]).toBe('spread')
    expect(shown[2]?.at(-1)).toBe('not shown')
    expect(shown.slice(3, 5)).toEqual([['eth0: keep: 1 channel moves more'], ['1 of at most 0 rounds']])
  })
})

describe('progress', () => {
  const progress = { done: 1, most: 24, arm: arm(2, 'spread') }
  test.each([
    [undefined, '2 of at most 24: 2 channels with rps spread'],
    [1380, '2 of at most 24: 2 channels with rps spread; at most 23 min left'],
    [89.2, '2 of at most 24: 2 channels with rps spread; at most 90 s left'],
    [90, '2 of at most 24: 2 channels with rps spread; at most 2 min left'],
  ])('%s s left: %s', (secondsLeft, text) => {
    expect(progressText({ ...progress, secondsLeft })).toBe(text)
  })

  test('as JSON is one line', () => {
    expect(progressJson({ ...progress, secondsLeft: 61.4 })).toBe(
      '{"version":1,"progress":{"done":1,"most":24,"channels":2,"settings":[{"key":"rps","value":"spread"}],"secondsLeft":61}}\n',
    )
    expect(JSON.parse(progressJson({ ...progress, secondsLeft: undefined })).progress.secondsLeft).toBeNull()
  })
})

test('what JSON cannot say of an interval without end is null', () => {
  const open = { estimate: 1.2, low: 0, high: Number.POSITIVE_INFINITY }
  const few = verdict({
    kind: 'inconclusive',
    arm: FOUR,
    comparisons: [comparison({ rate: open, latency: open })],
  })
  const measured = { seconds: 1, bytes: 1, packets: 1, cpuSeconds: 1, p99Ms: undefined }
  const runs = [0, 1].map((round) => ({ round, arm: ONE, measured }))
  const json = (written?: string) =>
    JSON.parse(printJson(trialJson('eth0', FOUR, runs, 'bytes', few, LOOKS, NO_PROBE, written)))
  expectSchema('trial', json())
  expect(json()).toMatchObject({
    ...{
      nic: 'eth0',
      present: 4,
      verdict: 'inconclusive',
      channels: 4,
      rounds: 2,
      probe: null,
      written: null,
    },
    comparisons: [{ channels: 1, rate: { low: 0, high: null }, latency: { high: null } }],
    runs: [{ round: 0, channels: 1, p99Ms: null }, { round: 1 }],
  })
  expect(json('/etc/x').written).toBe('/etc/x')
})

test('small requests are in the JSON as they were measured', () => {
  const latency = { estimate: 1.5, low: 1.4, high: 1.6 }
  const measured = { seconds: 1, bytes: 1, packets: 1, cpuSeconds: 1, p99Ms: 0.4 }
  const slow = verdict({ comparisons: [comparison({ latency })] })
  const probe = { target: '10.0.0.1' }
  const runs = [{ round: 0, arm: arm(2, 'spread'), measured }]
  const json = JSON.parse(printJson(trialJson('eth0', FOUR, runs, 'bytes', slow, LOOKS, probe, undefined)))
  expectSchema('trial', json)
  expect(json).toMatchObject({
    probe: '10.0.0.1',
    comparisons: [{ latency }],
    runs: [{ channels: 2, settings: [{ key: 'rps', value: 'spread' }], p99Ms: 0.4 }],
  })
})
