/** How long a foreign change stays: from the return of `ethtool -L` until the channels are right again. */

import { median, quantile } from '../../src/quantile'
import { barChart } from '../lib/chart'
import { bootBenchGuest, startDaemon, stopUnit, UNIT } from '../lib/daemon-guest'
import { runInGuest } from '../lib/in-guest'
import type { Part, Section } from '../lib/part'
import { spread } from '../lib/statistics'

const CHANGES = 60
/** The default, and the shortest that can be set. */
const DEBOUNCES_MS = [250, 10] as const

interface Series {
  readonly debounceMs: number
  /** Milliseconds of each `ethtool -L`, started by the measuring program. */
  readonly changeMs: readonly number[]
  /** Milliseconds from its return to the repair. */
  readonly repairMs: readonly number[]
}

interface ReactionData {
  readonly series: readonly Series[]
}

const BODY = `
for i in range(int(sys.argv[2])):
    t0 = time.monotonic()
    ethtool(1 + i % 3)
    t1 = time.monotonic()
    if not wait(4, 60): sys.exit('not repaired within 60 s')
    t2 = time.monotonic()
    print((t1 - t0) * 1000, (t2 - t1) * 1000)
    # The next change comes when the daemon is at rest again.
    time.sleep(1.5)
`

const config = (debounceMs: number): string =>
  `[daemon]\ndebounce-ms = ${debounceMs}\nconflict-reversals = 1000\n`

async function measure(): Promise<ReactionData> {
  const guest = await bootBenchGuest()
  try {
    const nic = await guest.nicName(0)
    const series: Series[] = []
    for (const debounceMs of DEBOUNCES_MS) {
      await startDaemon(guest, config(debounceMs))
      const rows = await runInGuest(guest, 'reaction', BODY, [nic, String(CHANGES)], 400_000)
      await stopUnit(guest, UNIT)
      series.push({
        debounceMs,
        changeMs: rows.map(([change = Number.NaN]) => change),
        repairMs: rows.map(([, repair = Number.NaN]) => repair),
      })
    }
    return { series }
  } finally {
    await guest.dispose()
  }
}

function reactionSummary(first: ReactionData['series'][number] | undefined): string {
  if (first === undefined) return 'Nothing was measured.'
  const { repairMs, changeMs } = first
  const seconds = (ms: number, digits: number): string => `${(ms / 1000).toFixed(digits)} s`
  return `${repairMs.length} external changes of channels were repaired after ${seconds(median(repairMs), 2)} at the median and ${seconds(quantile(repairMs, 0.99), 2)} at the 99th percentile, where \`ethtool -L\` itself takes ${seconds(median(changeMs), 3)} (emulated guest).`
}

function section({ series }: ReactionData): Section {
  const ms = (value: number): string => `${Math.round(value)} ms`
  return {
    title: 'Reaction to an external change',
    summary: reactionSummary(series[0]),
    text: [
      `In one guest (kernel 6.12, 4 vCPUs), ${series[0]?.repairMs.length} times \`ethtool -L NIC combined 1..3\` for each setting; from its return until the NIC has 4 channels again, polled every 2 ms inside the guest. The daemon intentionally waits for \`debounce-ms\` without events; the rest is udev's monitor, an observation of the guest, \`flock\`, and the daemon's own \`ethtool -L\`. **Ratio: to the median of \`ethtool -L\` itself in the same run.**`,
    ],
    tables: [
      {
        columns: [
          'debounce-ms',
          'ethtool -L, ms',
          'repair, ms: median',
          'p99',
          'ratio of medians',
          'without the debounce',
        ],
        rows: series.map(({ debounceMs, changeMs, repairMs }) => [
          `${debounceMs}${debounceMs === 250 ? ' (default)' : ''}`,
          spread(changeMs, 0),
          spread(repairMs, 0),
          quantile(repairMs, 0.99).toFixed(0),
          (median(repairMs) / median(changeMs)).toFixed(1),
          ((median(repairMs) - debounceMs) / median(changeMs)).toFixed(1),
        ]),
      },
    ],
    charts: [
      {
        file: 'reaction',
        alt: 'Milliseconds from an external change to its repair',
        svg: barChart(
          'From an external ethtool -L to its repair, ms: median, line from the 1st to the 99th percentile',
          series.flatMap(({ debounceMs, changeMs, repairMs }) => [
            {
              label: `repair, debounce ${debounceMs} ms`,
              value: median(repairMs),
              range: [quantile(repairMs, 0.01), quantile(repairMs, 0.99)] as const,
              note: ms(median(repairMs)),
              ours: true,
            },
            {
              label: 'ethtool -L itself',
              value: median(changeMs),
              range: [quantile(changeMs, 0.01), quantile(changeMs, 0.99)] as const,
              note: ms(median(changeMs)),
              ours: false,
            },
          ]),
        ),
      },
    ],
  }
}

export const reaction: Part<ReactionData> = { name: 'reaction', measure, section }
