/** What a trial says. Pure. */
import { renderTable } from '../output/table'
import type { Run, Yardstick } from './samples'
import { median } from './statistics'
import { percent, type Sample, type TrialVerdict } from './verdict'

const VERDICT_WORDS = {
  better: 'better',
  cheaper: 'cheaper',
  stay: 'as it is',
  inconclusive: 'inconclusive',
} as const

export function trialText(
  nic: string,
  present: number,
  samples: readonly Sample[],
  yardstick: Yardstick,
  verdict: TrialVerdict,
): string {
  const counts = [...new Set(samples.map(({ channels }) => channels))].sort((a, b) => a - b)
  const rows = counts.map((channels) => {
    const own = samples.filter((sample) => sample.channels === channels)
    const comparison = verdict.comparisons.find((candidate) => candidate.channels === channels)
    return [
      `${channels}${channels === present ? ' (now)' : ''}`,
      rateText(median(own.map(({ rate }) => rate)), yardstick),
      comparison === undefined ? '' : percent(comparison.rate),
      comparison === undefined ? '' : percent(comparison.cost),
      comparison === undefined ? '' : comparison.finding.replace('-', ' '),
    ]
  })
  const title = yardstick === 'bytes' ? 'moved' : 'speed'
  return [
    renderTable(['channels', title, 'against now (95 %)', 'CPU time for as much (95 %)', 'finding'], rows),
    `${nic}: ${VERDICT_WORDS[verdict.kind]}: ${verdict.why}\n`,
  ].join('')
}

function rateText(rate: number, yardstick: Yardstick): string {
  if (yardstick === 'runs') return `${(1 / rate).toFixed(2)} s a run`
  return `${((rate * 8) / 1e6).toFixed(1)} Mb/s`
}

/** `vqtune trial --json`, without the version. */
export function trialJson(
  nic: string,
  present: number,
  runs: readonly Run[],
  yardstick: Yardstick,
  verdict: TrialVerdict,
  written: string | undefined,
): object {
  return {
    nic,
    present,
    verdict: verdict.kind,
    channels: verdict.channels,
    why: verdict.why,
    yardstick,
    comparisons: verdict.comparisons,
    runs: runs.map(({ round, channels, measured }) => ({ round, channels, ...measured })),
    written: written ?? null,
  }
}
