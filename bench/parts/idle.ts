/** What the daemon costs while nothing happens: memory, processor time, forks, writes, against a bare idle runtime. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Guest } from '../../test/vm/lib/guest'
import { barChart } from '../lib/chart'
import {
  bootBenchGuest,
  type Memory,
  memoryOf,
  processesOf,
  startDaemon,
  startUnit,
  stopUnit,
  UNIT,
} from '../lib/daemon-guest'
import { forksBelow, parseForks } from '../lib/forks'
import { installRpm, packaged } from '../lib/packaged'
import type { Part, Section } from '../lib/part'

/** Long enough for one periodic check: up to 300 s until the next five minutes, and up to 300 s of its delay. */
const WINDOW_S = 600
const SETTLE_S = 20
const BARE_UNIT = 'bare-bench'
const CONFIG = '# as shipped: nothing but defaults\n'

interface Child {
  readonly name: string
  readonly memory: Memory
}

interface Runtime {
  readonly name: string
  readonly bare: Memory
  readonly daemon: Memory
  readonly children: readonly Child[]
}

interface IdleData {
  readonly runtimes: readonly Runtime[]
  readonly windowSeconds: number
  /** Of the last of the runtimes, whole unit with its children. */
  readonly cpuMs: number
  readonly bareCpuMs: number
  readonly forks: number
  /** Bytes that reached the block layer, by the kernel's count. */
  readonly writtenBytes: number
}

async function measure(): Promise<IdleData> {
  const { rpm } = packaged()
  const guest = await bootBenchGuest()
  try {
    const version = await installRpm(guest, rpm)
    const plain = await runtime(
      guest,
      `Node ${process.versions.node}`,
      '/opt/node/node',
      '/usr/local/bin/vqtune',
    )
    const own = await runtime(
      guest,
      `as packaged (Node ${version})`,
      '/usr/libexec/vqtune/node',
      '/usr/bin/vqtune',
      () => watch(guest),
    )
    return { runtimes: [plain.memory, own.memory], ...(own.seen as Seen) }
  } finally {
    await guest.dispose()
  }
}

async function runtime<Seen>(
  guest: Guest,
  name: string,
  node: string,
  vqtune: string,
  meanwhile?: () => Promise<Seen>,
): Promise<{ memory: Runtime; seen: Seen | undefined }> {
  const bare = await startUnit(guest, BARE_UNIT, [node, '-e', 'setInterval(() => {}, 1e6)'])
  const daemon = await startDaemon(guest, CONFIG, [vqtune])
  await sleep(SETTLE_S * 1000)
  const seen = await meanwhile?.()
  const children: Child[] = []
  for (const child of await processesOf(guest, UNIT)) {
    if (child.pid !== daemon) children.push({ name: child.name, memory: await memoryOf(guest, child.pid) })
  }
  const memory = { name, bare: await memoryOf(guest, bare), daemon: await memoryOf(guest, daemon), children }
  await stopUnit(guest, UNIT)
  await stopUnit(guest, BARE_UNIT)
  return { memory, seen }
}

type Seen = Omit<IdleData, 'runtimes'>

/** Nothing is run in the guest during the window: asking it would wake what is measured. */
async function watch(guest: Guest): Promise<Seen> {
  const cgroup = (unit: string): string => `/sys/fs/cgroup/system.slice/${unit}.service`
  const tracing = '/sys/kernel/tracing'
  const tasks = (await guest.readFile(`${cgroup(UNIT)}/cgroup.threads`)).split('\n').map(Number)
  const read = `sed -n 's/^usage_usec //p' ${cgroup(UNIT)}/cpu.stat ${cgroup(BARE_UNIT)}/cpu.stat
    for pid in $(cat ${cgroup(UNIT)}/cgroup.procs); do sed -n 's/^write_bytes: //p' /proc/$pid/io; done`
  const [cpu = 0, bareCpu = 0, ...written] = numbers(await guest.shell(read))
  await guest.shell(`mountpoint -q ${tracing} || mount -t tracefs nodev ${tracing}`)
  await guest.shell(`echo > ${tracing}/trace; echo 1 > ${tracing}/events/sched/sched_process_fork/enable`)
  const from = Date.now()
  await sleep(WINDOW_S * 1000)
  const windowSeconds = (Date.now() - from) / 1000
  await guest.shell(`echo 0 > ${tracing}/events/sched/sched_process_fork/enable`)
  const [cpuAfter = 0, bareCpuAfter = 0, ...writtenAfter] = numbers(await guest.shell(read))
  const forks = forksBelow(tasks, parseForks(await guest.readFile(`${tracing}/trace`)))
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
  return {
    windowSeconds,
    cpuMs: (cpuAfter - cpu) / 1000,
    bareCpuMs: (bareCpuAfter - bareCpu) / 1000,
    forks: forks.length,
    writtenBytes: sum(writtenAfter) - sum(written),
  }
}

const numbers = (text: string): number[] => text.trim().split(/\s+/).map(Number)

function section(data: IdleData): Section {
  const { runtimes, windowSeconds, cpuMs, bareCpuMs, forks, writtenBytes } = data
  const perHour = (value: number, digits: number): string => ((value * 3600) / windowSeconds).toFixed(digits)
  const mib = (value: number): string => value.toFixed(1)
  const own = runtimes.at(-1)
  const times = (key: 'anonymous' | 'uss'): string =>
    own === undefined ? '?' : (own.daemon[key] / own.bare[key]).toFixed(2)
  return {
    title: 'The daemon at rest',
    summary: `The idle daemon, as packaged, holds ${times('anonymous')} times the anonymous memory of a bare idle runtime (${times('uss')} times its private memory). In ${Math.round(windowSeconds)} s it forked ${forks} times and wrote ${writtenBytes} bytes to a disk; before systemd 253, \`systemd-notify\` is started four times an hour.`,
    text: [
      `One guest (kernel 6.12, 4 vCPUs, 1 NIC of 4 queues), default settings. The daemon and a bare \`setInterval\` of the same runtime run side by side, so that they share the pages of the runtime; memory is from \`smaps_rollup\`. **Ratios: daemon to bare runtime, same guest, same time.** Anonymous memory cannot be dropped by the kernel; private memory (USS) also includes pages of the runtime's file that no other process has mapped: the daemon executes more of the runtime than a timer does, and needs the time zone data.`,
      `Observed for ${Math.round(windowSeconds)} s as packaged, in an idle guest, then scaled to an hour. Forks of the daemon, its threads and its children are counted by the kernel (\`sched:sched_process_fork\`); before systemd 253 the unit's watchdog adds four per hour, each one \`systemd-notify\`, none of which fell into this window unless counted here. Processor time is that of an emulated guest, where instructions take several times as long as on hardware.`,
    ],
    tables: [
      {
        columns: ['MiB', 'anonymous', 'ratio', 'private (USS)', 'ratio', 'PSS', 'RSS'],
        rows: runtimes.flatMap(({ name, bare, daemon, children }) => [
          [
            `${name}: bare, idle`,
            mib(bare.anonymous),
            '1.00',
            mib(bare.uss),
            '1.00',
            mib(bare.pss),
            mib(bare.rss),
          ],
          [
            `${name}: daemon`,
            mib(daemon.anonymous),
            (daemon.anonymous / bare.anonymous).toFixed(2),
            mib(daemon.uss),
            (daemon.uss / bare.uss).toFixed(2),
            mib(daemon.pss),
            mib(daemon.rss),
          ],
          ...children.map((child) => [
            `its child ${child.name}`,
            mib(child.memory.anonymous),
            '',
            mib(child.memory.uss),
            '',
            mib(child.memory.pss),
            mib(child.memory.rss),
          ]),
        ]),
      },
      {
        columns: [`in ${Math.round(windowSeconds)} s at rest`, 'counted', 'per hour'],
        rows: [
          ['forks', String(forks), perHour(forks, 0)],
          ['processor time, daemon and children, s', (cpuMs / 1000).toFixed(2), perHour(cpuMs / 1000, 1)],
          ['processor time, bare runtime, s', (bareCpuMs / 1000).toFixed(2), perHour(bareCpuMs / 1000, 1)],
          ['bytes written to a disk', String(writtenBytes), perHour(writtenBytes, 0)],
        ],
      },
    ],
    charts: [
      {
        file: 'idle-memory',
        alt: 'Anonymous memory of the idle daemon and of a bare idle runtime',
        svg: barChart(
          'Anonymous memory at rest, MiB',
          runtimes.flatMap(({ name, bare, daemon }) => [
            { label: `${name}: daemon`, value: daemon.anonymous, note: mib(daemon.anonymous), ours: true },
            { label: `${name}: bare`, value: bare.anonymous, note: mib(bare.anonymous), ours: false },
          ]),
        ),
      },
    ],
  }
}

export const idle: Part<IdleData> = { name: 'idle', measure, section }
