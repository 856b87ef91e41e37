import { z } from 'zod'
import { METRICS } from '../../trial/samples'
import { FINDINGS, LEVEL, VERDICTS } from '../../trial/verdict'
import { document } from './document'
import { count, positive } from './number'

const ratio = z
  .object({
    estimate: z.number().min(0),
    low: z.number().min(0),
    high: z.number().min(0).nullable().describe('null: nothing limits it'),
  })
  .meta({
    id: 'ratio',
    description: 'a ratio to the present count: 1.2 is 20 % more; interval of 95 % or more',
  })

const chance = z.number().min(0).max(1.000001)

const comparison = z.object({
  channels: positive,
  rate: ratio,
  cost: ratio,
  chanceFaster: chance.describe('corrected chance that noise alone looks so good'),
  chanceCheaper: chance,
  chanceSlower: chance,
  finding: z.enum(FINDINGS),
})

const run = z.object({
  round: count,
  channels: positive,
  seconds: z.number().min(0),
  bytes: count.describe('both directions'),
  packets: count,
  cpuSeconds: z.number().min(0).describe('busy time of all vCPUs'),
})

export const trial = document('vqtune trial --json', {
  nic: z.string(),
  present: positive.describe('channels that the NIC had, and has again unless `written` is set'),
  verdict: z.enum(VERDICTS),
  channels: positive.describe('the count to have: the present one unless better or cheaper'),
  why: z.string(),
  metric: z
    .enum(METRICS)
    .describe('what was compared: bytes in a second, or runs of the command in a second'),
  rounds: count.describe('rounds that were done'),
  analyses: z
    .array(
      z.object({
        rounds: positive,
        level: z
          .number()
          .gt(0)
          .max(LEVEL)
          .describe(`chance of a false proposal at this analysis; ${LEVEL} for all together`),
      }),
    )
    .describe('after how many rounds the trial could end'),
  comparisons: z.array(comparison).describe('each other count with the present one'),
  runs: z.array(run).describe('every measurement, in order'),
  written: z.string().nullable().describe('the drop-in that --keep wrote'),
})
