/** What the parts have in common that watch a daemon's memory while much happens: how it ended, and the picture. */
import type { Guest } from '../../test/vm/lib/guest'
import { lineChart } from './chart'
import type { Chart } from './part'

/** When, and MiB of anonymous memory. */
export type Sample = readonly [at: number, mib: number]

export const samplesOf = (rows: readonly (readonly number[])[]): readonly Sample[] =>
  rows.map(([at = Number.NaN, mib = Number.NaN]) => [at, mib])

export interface End {
  /** `vqtune status --check` at the end: 0 is converged. */
  readonly statusExit: number
  /** What the daemon logged. */
  readonly journal: string
}

export async function endOf(guest: Guest): Promise<End> {
  const { code } = await guest.exec(['vqtune', 'status', '--check'], { timeoutMs: 60_000 })
  return { statusExit: code, journal: await guest.journal(['-t', 'vqtune', '-o', 'cat']) }
}

export const statusRow = (exit: number): readonly string[] => [
  'vqtune status --check at the end',
  `exit ${exit}${exit === 0 ? ': converged' : ''}`,
]

export function memoryChart(
  file: string,
  when: string,
  points: readonly Sample[],
  axis: { readonly xLabel: string },
): Chart {
  const title = `Anonymous memory of the daemon ${when}`
  const svg = lineChart(`${title}, MiB`, [{ name: 'anonymous memory', points }], { ...axis, yLabel: 'MiB' })
  return { file, alt: title, svg }
}
