import { z } from 'zod'
import { METRICS } from '../../trial/samples'
import { FINDINGS, LEVEL, VERDICTS } from '../../trial/verdict'
import { document } from './document'
import { count, positive } from './number'

const ratio = z
  .object({
    estimate: z.number().min(0),
    low: z.number().min(0),
    high: z.number().min(0).nullable().describe('null: unlimited'),
  })
  .meta({
    id: 'ratio',
    description: 'a ratio to the current count: 1.2 is 20 % more; interval of 95 % or more',
  })

const chance = z.number().min(0).max(1.000001)

const settings = z
  .array(z.object({ key: z.string().describe('a key of vqtune.toml'), value: z.string() }))
  .describe('what --vary asked for besides channels')

const comparison = z.object({
  channels: positive,
  settings,
  rate: ratio,
  cost: ratio,
  latency: ratio.nullable().describe('of the 99th percentile of small requests; null: not measured'),
  chanceFaster: chance.describe('corrected probability that noise alone gives such a result'),
  chanceCheaper: chance,
  chanceSlower: chance,
  finding: z.enum(FINDINGS),
})

const run = z.object({
  round: count,
  channels: positive,
  settings,
  seconds: z.number().min(0),
  bytes: count.describe('both directions'),
  packets: count,
  cpuSeconds: z.number().min(0).describe('busy time of all vCPUs'),
  p99Ms: z
    .number()
    .min(0)
    .nullable()
    .describe('99 of 100 small requests took at most this long; null: not measured'),
})

export const trial = document('vqtune trial --json', {
  nic: z.string(),
  present: positive.describe('channels that the NIC had; restored unless `written` is set'),
  presentSettings: settings,
  verdict: z.enum(VERDICTS),
  channels: positive.describe('the recommended count: the current one unless better or cheaper'),
  settings,
  why: z.string(),
  metric: z.enum(METRICS).describe('what was compared: bytes per second, or runs of the command per second'),
  rounds: count.describe('completed rounds'),
  analyses: z
    .array(
      z.object({
        rounds: positive,
        level: z
          .number()
          .gt(0)
          .max(LEVEL)
          .describe(`probability of a false recommendation at this analysis; ${LEVEL} for all together`),
      }),
    )
    .describe('after how many rounds the trial could end'),
  probe: z.string().nullable().describe('host that was pinged meanwhile; null: none'),
  comparisons: z.array(comparison).describe('each other combination with the present one'),
  runs: z.array(run).describe('every measurement, in order'),
  written: z.string().nullable().describe('the drop-in that --keep wrote'),
})

export const trialProgress = document('vqtune trial --progress --json', {
  progress: z.object({
    done: count.describe('completed measurements'),
    most: positive.describe('measurements, if the trial does not end earlier'),
    channels: positive.describe('the count that is measured now'),
    settings,
    secondsLeft: count.nullable().describe('at most, at the pace so far; null before the first measurement'),
  }),
}).describe('one line each, before the result')
