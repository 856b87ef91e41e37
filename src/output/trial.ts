/** The output of a trial. Pure. */
import { median } from '../quantile'
import { renderTable } from '../text/table'
import { type Arm, describeArm, distinctArms, isSameArm } from '../trial/arm'
import type { InterimAnalysis } from '../trial/interim-analysis'
import type { Probe } from '../trial/latency'
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

/** @param probe whom small requests were sent to, or why there were none */
export function trialText(
  nic: string,
  present: Arm,
  samples: readonly Sample[],
  metric: Metric,
  verdict: TrialVerdict,
  analyses: readonly InterimAnalysis[],
  probe: Probe,
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
      ...(probe.target === undefined ? [] : [latencyText(own, comparison?.latency)]),
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
        ...(probe.target === undefined ? [] : ['p99 of ping (95 % CI)']),
        'finding',
      ],
      rows,
    ),
    `${nic}: ${VERDICT_WORDS[verdict.kind]}: ${verdict.why}\n`,
    `${roundsDone(samples)} of at most ${analyses.at(-1)?.rounds ?? 0} rounds\n`,
    probe.target === undefined
      ? `latency was not measured: ${probe.why}\n`
      : `small requests: ping ${probe.target}, each 10 ms\n`,
  ].join('')
}

/** `0.41 ms`, and beside another arm `0.41 ms, +2.0 % (-8.1 to +12.5 %)`. */
function latencyText(own: readonly Sample[], latency: Ratio | undefined): string {
  const known = own.flatMap(({ p99Ms }) => (p99Ms === undefined ? [] : [p99Ms]))
  if (known.length === 0) return '?'
  return `${median(known).toFixed(2)} ms${latency === undefined ? '' : `, ${percent(latency)}`}`
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
  probe: Probe,
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
    probe: probe.target ?? null,
    comparisons: verdict.comparisons.map(({ arm, rate, cost, latency, ...rest }) => ({
      ...inJson(arm),
      ...rest,
      rate: finite(rate),
      cost: finite(cost),
      latency: latency === undefined ? null : finite(latency),
    })),
    runs: runs.map(({ round, arm, measured: { p99Ms, ...measured } }) => ({
      round,
      ...inJson(arm),
      ...measured,
      p99Ms: p99Ms ?? null,
    })),
    written: written ?? null,
  }
}
