/** The candidates for the private runtime: the same daemon under each, one after the other in one guest. */
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { median } from '../../src/quantile'
import { generateTree } from '../../test/support/generated-tree'
import type { Guest } from '../../test/vm/lib/guest'
import { type Bun, compiledWithBun } from '../lib/bun'
import { barChart } from '../lib/chart'
import { bootBenchGuest, type Memory, memoryOf, startDaemon, startUnit, stopUnit } from '../lib/daemon-guest'
import { runInGuest } from '../lib/in-guest'
import { installRpm, packaged } from '../lib/packaged'
import type { Part, Section } from '../lib/part'
import { interleaved, type Times } from '../lib/timed'
import { byName, wakeUpsWhile } from '../lib/wakeups'

/** From one periodic check to the next: each window holds one. */
const WINDOW_S = 300
/** What its start left, the daemon gives back in a minute. */
const SETTLE_S = 75
const STORMS = 3
const CHANGES = 500
const PACE_S = 0.12
const REST_S = 30
const ROUNDS = 11
const BARE_UNIT = 'bare-bench'
const CONFIG = '[daemon]\nconflict-reversals = 1000\n'
const TIMER = 'setInterval(() => {}, 1e6)'

interface Candidate {
  readonly name: string
  readonly bare: readonly string[]
  readonly vqtune: readonly string[]
  readonly environment?: readonly string[]
  /** Without a compiler at run time: it then runs with MemoryDenyWriteExecute=yes. */
  readonly interprets: boolean
}

interface Seen {
  readonly memory: Memory
  /** In the whole window, by thread. */
  readonly wakeUps: readonly (readonly [thread: string, count: number])[]
}

interface Measured {
  readonly name: string
  readonly interprets: boolean
  readonly bare: Seen
  readonly rest: Seen
  /** After each storm and its rest. */
  readonly storms: readonly Memory[]
}

interface StartUp {
  readonly name: string
  readonly version: Times
  readonly converged: Times
}

interface RuntimesData {
  readonly windowSeconds: number
  readonly bareNode: Times
  readonly startUps: readonly StartUp[]
  readonly measured: readonly Measured[]
  /** Where the image has it. */
  readonly tuned?: Memory
}

/** How a candidate is called here and in the guest: the files have other places. */
interface Places {
  readonly packaged: string
  readonly bun: string
  readonly bunVqtune: string
}

/** Of the units of the package, which has the code cache for it; each line sets one variable in quotes, or several without. */
function unitEnvironment(): readonly string[] {
  const conf = readFileSync('systemd/private-runtime.conf', 'utf8')
  return [...conf.matchAll(/^Environment=(.*)$/gm)].flatMap(([, value = '']) =>
    value.startsWith('"') ? [value.slice(1, -1)] : value.split(' '),
  )
}

/**
 * No JIT, no look of the garbage collector every second, nor of the thread by which Bun's allocator gives memory back, every half
 * minute; and a collection wakes no helpers, of which a heap this small has no use. The last two are JavaScriptCore's own
 * options, which other versions may not know.
 */
const QUIET_BUN = [
  ...['BUN_JSC_useJIT=0', 'BUN_GC_TIMER_DISABLE=1', 'MIMALLOC_SCAVENGER=0'],
  ...['BUN_JSC_numberOfGCMarkers=1', 'BUN_JSC_useConcurrentGC=0'],
]

function candidates(places: Places, node: string, bun: Bun): Candidate[] {
  const own = `${places.packaged}/node`
  return [
    {
      name: `Node ${node}`,
      bare: [own, '-e', TIMER],
      vqtune: [own, `${places.packaged}/vqtune.cjs`],
      interprets: false,
    },
    {
      name: `Bun ${bun.version}, compiled, no JIT, no helper threads`,
      bare: [places.bun, '-e', TIMER],
      vqtune: [places.bunVqtune],
      environment: QUIET_BUN,
      interprets: true,
    },
    {
      name: `Node ${node} as in the units`,
      bare: [own, '-e', TIMER],
      vqtune: [own, `${places.packaged}/vqtune.cjs`],
      environment: unitEnvironment(),
      interprets: true,
    },
  ]
}

async function measure(): Promise<RuntimesData> {
  const own = packaged()
  const bun = compiledWithBun()
  const here = {
    packaged: `${own.root}/usr/libexec/vqtune`,
    bun: bun.bun,
    bunVqtune: bun.vqtune,
  }
  const guest = await bootBenchGuest()
  try {
    const node = await installRpm(guest, own.rpm)
    const startUps = startUp(candidates(here, node, bun))
    const there = {
      packaged: '/usr/libexec/vqtune',
      bun: '/opt/bun/bun',
      bunVqtune: '/opt/bun/vqtune',
    }
    await pushPrograms(guest, [bun.bun, bun.vqtune], '/opt/bun')
    const measured: Measured[] = []
    for (const candidate of candidates(there, node, bun)) {
      console.error(candidate.name)
      measured.push(await under(guest, candidate))
      console.error(JSON.stringify(measured.at(-1)))
    }
    const tuned = await tunedIn(guest)
    return { windowSeconds: WINDOW_S, ...startUps, measured, ...(tuned && { tuned }) }
  } finally {
    await guest.dispose()
  }
}

async function pushPrograms(guest: Guest, programs: readonly string[], to: string): Promise<void> {
  const media = mkdtempSync(join(tmpdir(), 'vqtune-bench-'))
  try {
    for (const program of programs) {
      const copy = join(media, program.split('/').at(-1) ?? '')
      copyFileSync(program, copy)
      chmodSync(copy, 0o755)
    }
    await guest.pushDir(media, to)
  } finally {
    rmSync(media, { recursive: true })
  }
}

async function under(guest: Guest, candidate: Candidate): Promise<Measured> {
  const { name, bare, vqtune, environment = [], interprets } = candidate
  const properties = [
    ...environment.map((variable) => `Environment="${variable}"`),
    ...(interprets ? ['MemoryDenyWriteExecute=yes'] : []),
  ]
  const barePid = await startUnit(guest, BARE_UNIT, bare, properties)
  const pid = await startDaemon(guest, CONFIG, vqtune, properties)
  await sleep(SETTLE_S * 1000)
  const [bareWakeUps = [], wakeUps = []] = await wakeUpsWhile(guest, [barePid, pid], () =>
    sleep(WINDOW_S * 1000),
  )
  const bareSeen = { memory: await memoryOf(guest, barePid), wakeUps: byName(bareWakeUps) }
  const rest = { memory: await memoryOf(guest, pid), wakeUps: byName(wakeUps) }
  await stopUnit(guest, BARE_UNIT)
  const nic = await guest.nicName(0)
  const storms: Memory[] = []
  for (let storm = 0; storm < STORMS; storm++) {
    await runInGuest(guest, 'channel-storm', BODY, [nic, String(CHANGES), String(PACE_S)], 600_000)
    await sleep(REST_S * 1000)
    storms.push(await memoryOf(guest, pid))
  }
  await stopUnit(guest, 'vqtuned-bench')
  return { name, interprets, bare: bareSeen, rest, storms }
}

const BODY = `
n, pace = int(sys.argv[2]), float(sys.argv[3])
start = time.monotonic()
for i in range(n):
    ethtool(1 + i % 3)
    time.sleep(max(0, start + (i + 1) * pace - time.monotonic()))
if not wait(4, 120): sys.exit('not repaired within 120 s')
`

async function tunedIn(guest: Guest): Promise<Memory | undefined> {
  if ((await guest.exec(['systemctl', 'start', 'tuned'], { timeoutMs: 120_000 })).code !== 0) return undefined
  await sleep(SETTLE_S * 1000)
  const pid = Number(await guest.run(['systemctl', 'show', '-P', 'MainPID', 'tuned']))
  return pid === 0 ? undefined : memoryOf(guest, pid)
}

/** On this machine: an emulated guest charges a JIT more than a machine does. */
function startUp(list: readonly Candidate[]): Pick<RuntimesData, 'bareNode' | 'startUps'> {
  const tree = generateTree(4, [{ name: 'eth0', maximum: 4, current: 4, counts: [] }])
  try {
    const node = list[0]?.vqtune[0] ?? ''
    const all = interleaved(
      [
        { name: 'bare', argv: ['env', node, '-e', '0'] },
        ...list.flatMap(({ name, vqtune, environment = [] }) => {
          const argv = ['env', ...environment, ...vqtune]
          return [
            { name: `${name} version`, argv: [...argv, '--version'] },
            { name: `${name} converged`, argv: [...argv, 'apply', '--root', tree.root] },
          ]
        }),
      ],
      ROUNDS,
    )
    return {
      bareNode: all.bare as Times,
      startUps: list.map(({ name }) => ({
        name,
        version: all[`${name} version`] as Times,
        converged: all[`${name} converged`] as Times,
      })),
    }
  } finally {
    tree.remove()
  }
}

function section(data: RuntimesData): Section {
  const { measured, startUps, bareNode, windowSeconds, tuned } = data
  const mib = (value: number | undefined): string => (value ?? Number.NaN).toFixed(1)
  const perMinute = ({ wakeUps: list }: Seen): string =>
    ((list.reduce((sum, [, count]) => sum + count, 0) * 60) / windowSeconds).toFixed(1)
  const ratio = (times: Times): string => (median(times.wallMs) / median(bareNode.wallMs)).toFixed(2)
  return {
    title: 'Candidates for the private runtime',
    text: [
      `The same daemon under each candidate, one after the other in one guest (kernel 6.12, 4 vCPUs, 1 NIC of 4 queues), those without a compiler with \`MemoryDenyWriteExecute=yes\`. Wake-ups of all threads of the process: in ${windowSeconds} s at rest. Then ${STORMS} storms of ${CHANGES} changes of channels, each followed by ${REST_S} s of rest. The units start Node.js with \`${unitEnvironment().join(' ')}\`.`,
      'Start-up, on the machine itself: medians of interleaved runs on a generated guest tree. **Ratio: to a bare `node -e 0` of the first candidate, within this run.**',
    ],
    tables: [
      {
        columns: [
          'MiB',
          'anonymous',
          'RSS',
          'wake-ups a minute',
          ...(data.measured[0]?.storms.map((_, i) => `anonymous, storm ${i + 1}`) ?? []),
          'RSS',
          'growth',
        ],
        rows: [
          ...measured.flatMap(({ name, bare, rest, storms }) => [
            [
              `${name}: bare`,
              mib(bare.memory.anonymous),
              mib(bare.memory.rss),
              perMinute(bare),
              ...storms.map(() => ''),
              '',
              '',
            ],
            [
              `${name}: daemon`,
              mib(rest.memory.anonymous),
              mib(rest.memory.rss),
              perMinute(rest),
              ...storms.map(({ anonymous }) => mib(anonymous)),
              mib(storms.at(-1)?.rss),
              ((storms.at(-1)?.anonymous ?? Number.NaN) / rest.memory.anonymous).toFixed(2),
            ],
          ]),
          ...(tuned
            ? [
                [
                  'tuned',
                  mib(tuned.anonymous),
                  mib(tuned.rss),
                  '',
                  ...(measured[0]?.storms.map(() => '') ?? []),
                  '',
                  '',
                ],
              ]
            : []),
        ],
      },
      {
        columns: ['ratio of wall time', '`--version`', '`apply`, converged'],
        rows: startUps.map(({ name, version, converged }) => [name, ratio(version), ratio(converged)]),
      },
    ],
    charts: [
      {
        file: 'runtimes-memory',
        alt: 'Anonymous memory of the daemon under each candidate, at rest and after the storms',
        svg: barChart(
          'Anonymous memory of the daemon, MiB',
          measured.flatMap(({ name, rest, storms }) => [
            {
              label: `${name}: at rest`,
              value: rest.memory.anonymous,
              note: mib(rest.memory.anonymous),
              ours: true,
            },
            {
              label: `${name}: after the storms`,
              value: storms.at(-1)?.anonymous ?? 0,
              note: mib(storms.at(-1)?.anonymous),
              ours: true,
            },
          ]),
        ),
      },
    ],
  }
}

export const runtimes: Part<RuntimesData> = { name: 'runtimes', measure, section }
