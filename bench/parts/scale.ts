/** How a pass of the daemon, and a converged `apply`, grow with queues and NICs, up to the largest guests. */
import { median } from '../../src/quantile'
import { type GeneratedTree, generateTree } from '../../test/support/generated-tree'
import { lineChart } from '../lib/chart'
import { type DaemonPass, daemonPass } from '../lib/daemon-pass'
import type { Chart, Part, Section, Table } from '../lib/part'
import { spread } from '../lib/statistics'
import { interleaved, type Times } from '../lib/timed'

const ROUNDS = 11
/** Each round has so many passes of a tree, between two starts of a process: a daemon has the processor to itself for one. */
const PASSES = 5
/** A daemon has had some by its first periodic check. */
const WARM_UP = 10
const QUEUES = [1, 4, 16, 64, 256] as const
const NICS = [1, 2, 4, 8, 16, 32] as const
const LARGE = { cpus: 64, nics: 4 } as const
const SMALL = { cpus: 8, queues: 8 } as const
/** A pass takes 100 ms at most where bare Node starts in 30. */
const GOAL = { passMs: 100, bareMs: 30 } as const
const GOAL_RATIO = GOAL.passMs / GOAL.bareMs
const BARE = 'bare'

interface Size {
  readonly nics: number
  /** Offered to each NIC. */
  readonly queues: number
  /** Queue pairs in use, of all NICs: one per vCPU at most. */
  readonly channels: number
  /** Milliseconds. */
  readonly passMs: readonly number[]
  readonly apply: Times
}

interface ScaleData {
  readonly bare: Times
  readonly queues: readonly Size[]
  readonly nics: readonly Size[]
}

interface Tree {
  readonly name: string
  readonly nics: number
  readonly queues: number
  readonly current: number
  readonly made: GeneratedTree
  readonly pass: DaemonPass
  readonly passMs: number[]
}

async function measure(): Promise<ScaleData> {
  const trees: Tree[] = []
  const add = (what: string, cpus: number, nics: number, queues: number): Tree => {
    const current = Math.min(cpus, queues)
    const options = { maximum: queues, current, counts: [], vectors: true }
    const list = Array.from({ length: nics }, (_, i) => ({ name: `eth${i}`, ...options }))
    const made = generateTree(cpus, list)
    const name = `${what} ${nics} ${queues}`
    const tree = { name, nics, queues, current, made, pass: daemonPass(made.root), passMs: [] }
    trees.push(tree)
    return tree
  }
  try {
    const queues = QUEUES.map((count) => add('queues', LARGE.cpus, LARGE.nics, count))
    const nics = NICS.map((count) => add('nics', SMALL.cpus, count, SMALL.queues))
    for (const { pass } of trees) for (let i = 0; i < WARM_UP; i++) await pass.run()
    const times: Record<string, Times> = {}
    for (let round = 0; round < ROUNDS; round++) {
      for (const { pass, passMs } of trees) for (let i = 0; i < PASSES; i++) passMs.push(await pass.run())
      merge(times, processTimes(trees))
    }
    const sizeOf = ({ name, nics, queues, current, passMs }: Tree): Size => ({
      ...{ nics, queues, channels: nics * current, passMs },
      apply: times[name] as Times,
    })
    return { bare: times[BARE] as Times, queues: queues.map(sizeOf), nics: nics.map(sizeOf) }
  } finally {
    for (const { made, pass } of trees) {
      pass.close()
      made.remove()
    }
  }
}

/** One start of bare Node, and one converged apply on each tree. */
function processTimes(trees: readonly Tree[]): Record<string, Times> {
  const apply = trees.map(({ name, made }) => ({
    name,
    argv: [process.execPath, 'dist/vqtune.cjs', 'apply', '--root', made.root],
  }))
  return interleaved([{ name: BARE, argv: [process.execPath, '-e', '0'] }, ...apply], 1)
}

function merge(all: Record<string, Times>, more: Record<string, Times>): void {
  for (const [name, { wallMs, cpuMs }] of Object.entries(more)) {
    const known = all[name] ?? { wallMs: [], cpuMs: [] }
    all[name] = { wallMs: [...known.wallMs, ...wallMs], cpuMs: [...known.cpuMs, ...cpuMs] }
  }
}

const passOf = ({ passMs }: Size): number => median(passMs)

function section(data: ScaleData): Section {
  const bareMs = median(data.bare.wallMs)
  const ratio = (size: Size): number => passOf(size) / bareMs
  const [mostQueues, mostNics] = [data.queues.at(-1), data.nics.at(-1)] as [Size, Size]
  const goal = `goal: ${GOAL_RATIO.toFixed(1)}, ${GOAL.passMs} ms where bare Node starts in ${GOAL.bareMs}`
  return {
    title: 'The largest guests: what a pass costs by queues and NICs',
    summary: `A pass of the daemon takes ${ratio(mostQueues).toFixed(1)} times as long as bare Node needs to start with ${LARGE.nics} NICs of ${mostQueues.queues} queues on ${LARGE.cpus} vCPUs, and ${ratio(mostNics).toFixed(1)} times with ${mostNics.nics} NICs of ${SMALL.queues} (${goal}).`,
    text: [
      `On generated trees. A pass is what the daemon does at a periodic check that finds nothing to do: it observes the guest twice, to find drift and to plan, compares, follows the files that others may write, and renders the metrics; in one process, after ${WARM_UP} passes. \`apply\` is a new process that finds nothing to do. **Ratio: to the start of bare Node (\`node -e 0\`, ${spread(data.bare.wallMs)} ms) in the same run, interleaved**; ${goal}. With ${LARGE.cpus} vCPUs a NIC uses ${LARGE.cpus} queue pairs at most; of 256, the others show only in /proc/interrupts.`,
    ],
    tables: [
      tableOf(
        `queues offered, ${LARGE.nics} NICs, ${LARGE.cpus} vCPUs`,
        data.queues,
        data.bare,
        ({ queues }) => queues,
      ),
      tableOf(
        `NICs of ${SMALL.queues} queues, ${SMALL.cpus} vCPUs`,
        data.nics,
        data.bare,
        ({ nics }) => nics,
      ),
    ],
    charts: [chartOf(data)],
  }
}

function tableOf(what: string, sizes: readonly Size[], bare: Times, countOf: (size: Size) => number): Table {
  const bareMs = median(bare.wallMs)
  return {
    columns: [
      what,
      'queue pairs in use',
      'pass, ms',
      'ratio',
      'µs per queue pair',
      'µs per NIC',
      'apply, ms',
      'ratio',
    ],
    rows: sizes.map((size) => [
      String(countOf(size)),
      String(size.channels),
      spread(size.passMs),
      (passOf(size) / bareMs).toFixed(2),
      ((1_000 * passOf(size)) / size.channels).toFixed(0),
      ((1_000 * passOf(size)) / size.nics).toFixed(0),
      spread(size.apply.wallMs),
      (median(size.apply.wallMs) / bareMs).toFixed(2),
    ]),
  }
}

function chartOf({ queues, nics }: ScaleData): Chart {
  const title =
    'Time of a pass of the daemon by queue pairs in use: more queues for 4 NICs, and more NICs of 8 queues'
  const points = (sizes: readonly Size[]) => sizes.map((size) => [size.channels, passOf(size)] as const)
  // Those that are offered beyond the vCPUs would be a second point above the same number.
  const inUse = queues.filter(({ queues: offered }) => offered <= LARGE.cpus)
  return {
    file: 'scale',
    alt: title,
    svg: lineChart(
      title,
      [
        { name: `NICs of ${SMALL.queues} queues`, points: points(nics) },
        { name: `${LARGE.nics} NICs`, points: points(inUse) },
      ],
      { xLabel: 'queue pairs in use', yLabel: 'ms (median)' },
    ),
  }
}

export const scale: Part<ScaleData> = { name: 'scale', measure, section }
