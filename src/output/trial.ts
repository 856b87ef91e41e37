/** The output of a trial. Pure. */
import { median } from '../quantile'
import { renderTable } from '../text/table'
import { type Arm, describeArm, distinctArms, isSameArm } from '../trial/arm'
import type { InterimAnalysis } from '../trial/interim-analysis'
import type { TrialProgress } from '../trial/run'
import type { Metric, Run } from '../trial/samples'
import { percent, type Ratio, type Sample, type TrialVerdict } from '../trial/verdict'
import { JSON_VERSION } from './json'

const VERDICT_WORDS = {
  better: 'better',
  cheaper: 'cheaper',
  stay: 'keep',
  inconclusive: 'inconclusive',
} as const

export function trialText(
  nic: string,
  present: Arm,
  samples: readonly Sample[],
  metric: Metric,
  verdict: TrialVerdict,
  analyses: readonly InterimAnalysis[],
): string {
  const rows = distinctArms(samples.map(({ arm }) => arm)).map((arm) => {
    const own = samples.filter((sample) => isSameArm(sample.arm, arm))
    const comparison = verdict.comparisons.find((candidate) => isSameArm(candidate.arm, arm))
    return [
      `${arm.channels}${isSameArm(arm, present) ? ' (now)' : ''}`,
      ...Object.values(arm.switches).map(String),
      rateText(median(own.map(({ rate }) => rate)), metric),
      comparison === undefined ? '' : percent(comparison.rate),
      comparison === undefined ? '' : percent(comparison.cost),
      comparison === undefined ? '' : comparison.finding.replace('-', ' '),
    ]
  })
  const title = metric === 'bytes' ? 'moved' : 'speed'
  return [
    renderTable(
      [
        'channels',
        ...Object.keys(present.switches),
        title,
        'vs. now (95 % CI)',
        'CPU time per unit (95 % CI)',
        'finding',
      ],
      rows,
    ),
    `${nic}: ${VERDICT_WORDS[verdict.kind]}: ${verdict.why}\n`,
    `${roundsDone(samples)} of at most ${analyses.at(-1)?.rounds ?? 0} rounds\n`,
  ].join('')
}

function roundsDone(of: readonly { readonly round: number }[]): number {
  return new Set(of.map(({ round }) => round)).size
}

function inJson(arm: Arm): object {
  return { channels: arm.channels, settings: settingsOf(arm) }
}

function settingsOf({ switches }: Arm): readonly object[] {
  return Object.entries(switches).map(([key, value]) => ({ key, value: String(value) }))
}

/** `vqtune trial --progress --json`: one line, unlike the result. */
export function progressJson({ done, most, arm, secondsLeft }: TrialProgress): string {
  const left = secondsLeft === undefined ? null : Math.round(secondsLeft)
  return `${JSON.stringify({ version: JSON_VERSION, progress: { done, most, ...inJson(arm), secondsLeft: left } })}\n`
}

/** `3 of at most 14: 4 channels; at most 2 min left` */
export function progressText({ done, most, arm, secondsLeft }: TrialProgress): string {
  const left = secondsLeft === undefined ? '' : `; at most ${durationText(secondsLeft)} left`
  return `${done + 1} of at most ${most}: ${describeArm(arm)}${left}`
}

function durationText(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`
}

/** JSON has no infinity: null. */
function finite({ estimate, low, high }: Ratio): object {
  return { estimate, low, high: Number.isFinite(high) ? high : null }
}

function rateText(rate: number, metric: Metric): string {
  if (metric === 'runs') return `${(1 / rate).toFixed(2)} s per run`
  return `${((rate * 8) / 1e6).toFixed(1)} Mb/s`
}

/** `vqtune trial --json`, without the version. */
export function trialJson(
  nic: string,
  present: Arm,
  runs: readonly Run[],
  metric: Metric,
  verdict: TrialVerdict,
  analyses: readonly InterimAnalysis[],
  written: string | undefined,
): object {
  return {
    nic,
    present: present.channels,
    presentSettings: settingsOf(present),
    verdict: verdict.kind,
    channels: verdict.arm.channels,
    settings: settingsOf(verdict.arm),
    why: verdict.why,
    metric,
    rounds: roundsDone(runs),
    analyses,
    comparisons: verdict.comparisons.map(({ arm, rate, cost, ...rest }) => ({
      ...inJson(arm),
      ...rest,
      rate: finite(rate),
      cost: finite(cost),
    })),
    runs: runs.map(({ round, arm, measured }) => ({ round, ...inJson(arm), ...measured })),
    written: written ?? null,
  }
}
