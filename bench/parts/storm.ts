/** Five hundred changes in a minute: does memory level off, and is the end right? */
import { lineChart } from '../lib/chart'
import { bootBenchGuest, startDaemon } from '../lib/daemon-guest'
import { runInGuest } from '../lib/in-guest'
import type { Part, Section } from '../lib/part'

const CHANGES = 500
const PACE_S = 0.12

interface StormData {
  readonly changes: number
  readonly tookSeconds: number
  /** Seconds since the start, MiB of anonymous memory. */
  readonly memory: readonly (readonly [number, number])[]
  /** From the last change to the right channels. */
  readonly lastRepairMs: number
  /** `vqtune status --check` at the end: 0 is as desired. */
  readonly statusExit: number
  /** The daemon's own writes of channels, by its journal. */
  readonly repairs: number
}

const BODY = `
pid, n, pace = int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
start = time.monotonic()
print(0, memory(pid))
for i in range(n):
    ethtool(1 + i % 3)
    if i % 50 == 49: print(time.monotonic() - start, memory(pid))
    time.sleep(max(0, start + (i + 1) * pace - time.monotonic()))
last = time.monotonic()
if not wait(4, 120): sys.exit('not repaired within 120 s')
end = time.monotonic()
for _ in range(12):
    time.sleep(2.5)
    print(time.monotonic() - start, memory(pid))
if channels() != 4: sys.exit('channels did not stay')
print(last - start, (end - last) * 1000, -1)
`

async function measure(): Promise<StormData> {
  const guest = await bootBenchGuest()
  try {
    const nic = await guest.nicName(0)
    const pid = await startDaemon(guest, '[daemon]\nconflict-reversals = 1000\n')
    const args = [nic, String(pid), String(CHANGES), String(PACE_S)]
    const rows = await runInGuest(guest, 'storm', BODY, args, 500_000)
    const [tookSeconds = Number.NaN, lastRepairMs = Number.NaN] = rows.at(-1) ?? []
    const { code } = await guest.exec(['vqtune', 'status', '--check'])
    const journal = await guest.journal(['-t', 'vqtune', '-o', 'cat'])
    return {
      changes: CHANGES,
      tookSeconds,
      memory: rows.slice(0, -1).map(([at = 0, mib = 0]) => [at, mib] as const),
      lastRepairMs,
      statusExit: code,
      repairs: journal.match(/channels \d+ -> 4 /g)?.length ?? 0,
    }
  } finally {
    await guest.dispose()
  }
}

function section({ changes, tookSeconds, memory, lastRepairMs, statusExit, repairs }: StormData): Section {
  const mibs = memory.map(([, mib]) => mib)
  const at = (value: number | undefined): string => (value ?? Number.NaN).toFixed(1)
  return {
    title: 'A storm of changes',
    text: [
      `${changes} times \`ethtool -L NIC combined 1..3\` against a running daemon that reasserts (\`conflict-reversals\` raised, it would else leave the NIC alone after three), one each ${PACE_S * 1000} ms or as fast as the emulated guest allows.`,
    ],
    tables: [
      {
        columns: ['storm', 'value'],
        rows: [
          ['changes', `${changes} in ${tookSeconds.toFixed(0)} s`],
          ['repairs by the daemon', String(repairs)],
          [
            'anonymous memory before / largest / 30 s after, MiB',
            `${at(mibs[0])} / ${at(Math.max(...mibs))} / ${at(mibs.at(-1))}`,
          ],
          ['from the last change to the right channels', `${lastRepairMs.toFixed(0)} ms`],
          ['vqtune status --check at the end', `exit ${statusExit}${statusExit === 0 ? ': as desired' : ''}`],
        ],
      },
    ],
    charts: [
      {
        file: 'storm',
        alt: 'Anonymous memory of the daemon during and after the storm',
        svg: lineChart(
          `Anonymous memory of the daemon, MiB: ${changes} changes in ${tookSeconds.toFixed(0)} s, then rest`,
          [{ name: 'anonymous memory', points: memory }],
          { xLabel: 'seconds', yLabel: 'MiB' },
        ),
      },
    ],
  }
}

export const storm: Part<StormData> = { name: 'storm', measure, section }
