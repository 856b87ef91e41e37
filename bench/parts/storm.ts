/** Five hundred changes in a minute, again and again: does memory level off, and is the end right? */
import { bootBenchGuest, startDaemon } from '../lib/daemon-guest'
import { runInGuest } from '../lib/in-guest'
import { endOf, memoryChart, type Sample, samplesOf, statusRow } from '../lib/over-time'
import type { Part, Section } from '../lib/part'

const STORMS = 3
const CHANGES = 500
const PACE_S = 0.12
const REST_S = 30

interface Storm {
  readonly tookSeconds: number
  /** From the last change to the right channels. */
  readonly lastRepairMs: number
  /** Seconds since the start of the first storm. */
  readonly memory: readonly Sample[]
}

interface StormData {
  readonly changes: number
  readonly restSeconds: number
  readonly storms: readonly Storm[]
  readonly statusExit: number
  /** The daemon's own writes of channels, by its journal. */
  readonly repairs: number
}

const BODY = `
pid, storms, n, pace, rest = int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]), float(sys.argv[6])
zero = time.monotonic()
def sample(): print(storm, time.monotonic() - zero, memory(pid))
for storm in range(storms):
    start = time.monotonic()
    sample()
    for i in range(n):
        ethtool(1 + i % 3)
        if i % 50 == 49: sample()
        time.sleep(max(0, start + (i + 1) * pace - time.monotonic()))
    last = time.monotonic()
    if not wait(4, 120): sys.exit('not repaired within 120 s')
    end = time.monotonic()
    for _ in range(12):
        time.sleep(rest / 12)
        sample()
    if channels() != 4: sys.exit('channels did not stay')
    print(storm, last - start, (end - last) * 1000, 'end')
`

async function measure(): Promise<StormData> {
  const guest = await bootBenchGuest()
  try {
    const nic = await guest.nicName(0)
    const pid = await startDaemon(guest, '[daemon]\nconflict-reversals = 1000\n')
    const args = [nic, ...[pid, STORMS, CHANGES, PACE_S, REST_S].map(String)]
    const rows = await runInGuest(guest, 'storm', BODY, args, 1_200_000)
    const { statusExit, journal } = await endOf(guest)
    return {
      changes: CHANGES,
      restSeconds: REST_S,
      storms: stormsOf(rows),
      statusExit,
      repairs: journal.match(/: channels \d+ -> 4\b/g)?.length ?? 0,
    }
  } finally {
    await guest.dispose()
  }
}

function stormsOf(rows: readonly (readonly number[])[]): readonly Storm[] {
  return Array.from({ length: STORMS }, (_, storm) => {
    const mine = rows.filter(([index]) => index === storm).map(([, ...values]) => values)
    const [tookSeconds = Number.NaN, lastRepairMs = Number.NaN] =
      mine.find((values) => values.length === 3) ?? []
    return { tookSeconds, lastRepairMs, memory: samplesOf(mine.filter((values) => values.length === 2)) }
  })
}

function section({ changes, restSeconds, storms, statusExit, repairs }: StormData): Section {
  const mib = (value: number | undefined): string => (value ?? Number.NaN).toFixed(1)
  return {
    title: 'Storms of changes',
    summary: `After ${changes} external changes within ${Math.max(...storms.map(({ tookSeconds }) => tookSeconds)).toFixed(0)} s, ${storms.length} times in a row, the channels were right again within ${(Math.max(...storms.map(({ lastRepairMs }) => lastRepairMs)) / 1000).toFixed(1)} s.`,
    text: [
      `${storms.length} times in a row: ${changes} times \`ethtool -L NIC combined 1..3\` against a running daemon that reasserts (with a high \`conflict-reversals\`; by default it backs off after three), one every ${PACE_S * 1000} ms or as fast as the emulated guest allows, then ${restSeconds} s of rest. With a leak, memory would grow by the same amount in each storm; a heap that is still small after the start grows only in the first one.`,
    ],
    tables: [
      {
        columns: [
          'storm',
          `${changes} changes in, s`,
          'from the last one to the right channels, ms',
          'anonymous memory before, MiB',
          'largest',
          'after the rest',
        ],
        rows: storms.map(({ tookSeconds, lastRepairMs, memory }, index) => {
          const mibs = memory.map(([, value]) => value)
          return [
            String(index + 1),
            tookSeconds.toFixed(0),
            lastRepairMs.toFixed(0),
            mib(mibs[0]),
            mib(Math.max(...mibs)),
            mib(mibs.at(-1)),
          ]
        }),
      },
      {
        columns: ['all storms', 'value'],
        rows: [['repairs by the daemon', String(repairs)], statusRow(statusExit)],
      },
    ],
    charts: [
      memoryChart(
        'storm',
        `in storms of ${changes} changes, each followed by rest`,
        storms.flatMap(({ memory }) => memory),
        { xLabel: 'seconds' },
      ),
    ],
  }
}

export const storm: Part<StormData> = { name: 'storm', measure, section }
