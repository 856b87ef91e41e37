/** Hours of a guest's life in some minutes: the clock is set forward, jobs fire, real changes come. */
import { bootBenchGuest, startDaemon } from '../lib/daemon-guest'
import { runInGuest } from '../lib/in-guest'
import { endOf, memoryChart, type Sample, samplesOf, statusRow } from '../lib/over-time'
import type { Part, Section } from '../lib/part'
import { slopeOf } from '../lib/statistics'

/** Each takes three minutes. What looks like a slope in two may be the last steps of a heap that fills up to its limit. */
const HOURS = Number(process.env.VQTUNE_BENCH_SOAK_HOURS ?? 2)
/** Minutes of the guest's clock, one step each. */
const STEPS = HOURS * 60
/** What a daemon does while it warms up (compiling, first garbage collections) is not a leak. */
const WARM_UP_STEPS = 30

interface SoakData {
  readonly realSeconds: number
  readonly warmUpMinutes: number
  /** Minute of the guest's clock, MiB of anonymous memory. */
  readonly memory: readonly Sample[]
  readonly reports: number
  readonly repairs: number
  readonly statusExit: number
}

const CONFIG = `[daemon]
check-cron = "* * * * * *"
report-cron = "* * * * * *"
jitter-seconds = 1
conflict-reversals = 1000
log-format = "json"
`

const BODY = `
pid, steps = int(sys.argv[2]), int(sys.argv[3])
def put(path, text):
    with open(path, 'w') as f: f.write(text)
irq = [l.split(':')[0].strip() for l in open('/proc/interrupts') if l.rstrip().endswith('-input.1')][0]
start = time.monotonic()
for i in range(steps):
    time.clock_settime(time.CLOCK_REALTIME, time.time() + 57)
    kind = i % 4
    if kind == 0: ethtool(1 + i % 3)
    if kind == 1: put('/proc/irq/%s/smp_affinity_list' % irq, '3')
    if kind == 2: put('/sys/devices/system/cpu/cpu3/online', '0')
    if kind == 3: put('/sys/devices/system/cpu/cpu3/online', '1')
    time.sleep(3)
    print(i + 1, memory(pid))
print(time.monotonic() - start)
`

async function measure(): Promise<SoakData> {
  const guest = await bootBenchGuest()
  try {
    const nic = await guest.nicName(0)
    const pid = await startDaemon(guest, CONFIG)
    const rows = await runInGuest(guest, 'soak', BODY, [nic, String(pid), String(STEPS)], STEPS * 10_000)
    const { statusExit, journal } = await endOf(guest)
    return {
      realSeconds: rows.at(-1)?.[0] ?? Number.NaN,
      warmUpMinutes: WARM_UP_STEPS,
      memory: samplesOf(rows.slice(0, -1)),
      reports: journal.match(/report: /g)?.length ?? 0,
      repairs: journal.match(/"action":"repaired"/g)?.length ?? 0,
      statusExit,
    }
  } finally {
    await guest.dispose()
  }
}

function section({ realSeconds, warmUpMinutes, memory, reports, repairs, statusExit }: SoakData): Section {
  const settled = memory.filter(([minute]) => minute > warmUpMinutes)
  const slopeFrom = (from: number): string => {
    const { slope, margin } = slopeOf(
      memory.filter(([minute]) => minute > from).map(([minute, mib]) => [minute / 60, mib]),
    )
    return `${slope.toFixed(2)} ± ${margin.toFixed(2)}`
  }
  const mibs = settled.map(([, mib]) => mib)
  const hours = memory.length / 60
  return {
    title: `Accelerated ${hours}-hour soak test`,
    summary: `In an accelerated ${hours}-hour soak test with ${repairs} repairs, anonymous memory grew by ${slopeFrom(Math.max(warmUpMinutes, memory.length - 2 * 60))} MiB per hour in the last two hours.`,
    text: [
      `${memory.length} minutes of the guest's clock in ${Math.round(realSeconds)} s: the clock is set forward by 57 s, then 3 s pass, and so on. Checks and reports are scheduled every second with a jitter of up to 1 s; those in the skipped time are dropped, so that ${reports} of each ran, where ${hours} hours with default settings have ${12 * hours} checks. Each step makes a real change: channels, affinity of an interrupt, a vCPU offline, a vCPU online. The slope is that of a least squares line, with a 95 % confidence interval corrected for the autocorrelation of the samples. With a leak, the slope would stay; with a heap that grows to its collection size, it disappears.`,
    ],
    tables: [
      {
        columns: ['soak', 'value'],
        rows: [
          [`anonymous memory, slope after ${warmUpMinutes} minutes, MiB per hour`, slopeFrom(warmUpMinutes)],
          ...(hours > 2
            ? [['the same, last two hours only', slopeFrom(memory.length - 2 * 60)] as const]
            : []),
          [
            'anonymous memory, least / most, MiB',
            `${Math.min(...mibs).toFixed(1)} / ${Math.max(...mibs).toFixed(1)}`,
          ],
          ['reports / repairs', `${reports} / ${repairs}`],
          statusRow(statusExit),
        ],
      },
    ],
    charts: [
      memoryChart('soak', `over ${hours} accelerated hours`, memory, {
        xLabel: "minutes of the guest's clock",
      }),
    ],
  }
}

export const soak: Part<SoakData> = { name: 'soak', measure, section }
