/** The output of a trial. Pure. */
import { median } from '../quantile'
import { renderTable } from '../text/table'
import type { InterimAnalysis } from '../trial/interim-analysis'
import type { Metric, Run } from '../trial/samples'
import { percent, type Ratio, type Sample, type TrialVerdict } from '../trial/verdict'

const VERDICT_WORDS = {
  better: 'better',
  cheaper: 'cheaper',
  stay: 'keep',
  inconclusive: 'inconclusive',
} as const

export function trialText(
  nic: string,
  present: number,
  samples: readonly Sample[],
  metric: Metric,
  verdict: TrialVerdict,
  analyses: readonly InterimAnalysis[],
): string {
  const counts = [...new Set(samples.map(({ channels }) => channels))].sort((a, b) => a - b)
  const rows = counts.map((channels) => {
    const own = samples.filter((sample) => sample.channels === channels)
    const comparison = verdict.comparisons.find((candidate) => candidate.channels === channels)
    return [
      `${channels}${channels === present ? ' (now)' : ''}`,
      rateText(median(own.map(({ rate }) => rate)), metric),
      comparison === undefined ? '' : percent(comparison.rate),
      comparison === undefined ? '' : percent(comparison.cost),
      comparison === undefined ? '' : comparison.finding.replace('-', ' '),
    ]
  })
  const title = metric === 'bytes' ? 'moved' : 'speed'
  return [
    renderTable(['channels', title, 'vs. now (95 % CI)', 'CPU time per unit (95 % CI)', 'finding'], rows),
    `${nic}: ${VERDICT_WORDS[verdict.kind]}: ${verdict.why}\n`,
    `${roundsDone(samples)} of at most ${analyses.at(-1)?.rounds ?? 0} rounds\n`,
  ].join('')
}

function roundsDone(of: readonly { readonly round: number }[]): number {
  return new Set(of.map(({ round }) => round)).size
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
  present: number,
  runs: readonly Run[],
  metric: Metric,
  verdict: TrialVerdict,
  analyses: readonly InterimAnalysis[],
  written: string | undefined,
): object {
  return {
    nic,
    present,
    verdict: verdict.kind,
    channels: verdict.channels,
    why: verdict.why,
    metric,
    rounds: roundsDone(runs),
    analyses,
    comparisons: verdict.comparisons.map(({ rate, cost, ...rest }) => ({
      ...rest,
      rate: finite(rate),
      cost: finite(cost),
    })),
    runs: runs.map(({ round, channels, measured }) => ({ round, channels, ...measured })),
    written: written ?? null,
  }
}
