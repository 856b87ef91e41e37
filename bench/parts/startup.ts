/** What a run costs on captured-like trees: bare runtime, converged apply, changing apply, bash; growth in NICs and queues. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { median } from '../../src/quantile'
import { type GeneratedNic, type GeneratedTree, generateTree } from '../../test/support/generated-tree'
import { lineChart } from '../lib/chart'
import { packaged } from '../lib/packaged'
import type { Chart, Part, Section, Table } from '../lib/part'
import { spread } from '../lib/statistics'
import { interleaved, type Times, timed } from '../lib/timed'

const ROUNDS = 11
const GROWTH_ROUNDS = 5
const NICS = [1, 2, 4, 8, 16, 32] as const
const QUEUES = [1, 4, 16, 64, 256] as const
/** NICs in the changing apply. */
const CHANGING = 8

const BARE = 'bare runtime'
const LOADED = 'vqtune --version, by the code of the other verbs'
const CONVERGED = 'vqtune apply, converged'
const APPLY = `vqtune apply, ${CHANGING} NICs to change`
const BASH = `bash loop of ethtool -l, -L, ${CHANGING} NICs`

interface Runtime {
  /** `Node 20.20.2`, `as packaged (Node 24.1.0, code cache)` */
  readonly name: string
  readonly times: Record<string, Times>
}

interface Growth {
  readonly count: number
  readonly converged: Times
  readonly changing: Times
}

interface StartupData {
  readonly runtimes: readonly Runtime[]
  readonly nics: readonly Growth[]
  readonly queues: readonly Growth[]
}

const nics = (count: number, options: Omit<GeneratedNic, 'name'>): GeneratedNic[] =>
  Array.from({ length: count }, (_, i) => ({ name: `eth${i}`, ...options }))

/** Puts every NIC of a tree back to `count` channels with its own ethtool. */
const shrink = (made: GeneratedTree, names: readonly string[], count: number) => (): void => {
  for (const name of names) timed([`${made.root}/usr/sbin/ethtool`, '-L', name, 'combined', String(count)])
}

async function measure(): Promise<StartupData> {
  const trees: GeneratedTree[] = []
  const tree = (cpus: number, list: GeneratedNic[]): GeneratedTree => {
    const made = generateTree(cpus, list)
    trees.push(made)
    return made
  }
  try {
    const own = packaged()
    const version = timedVersion(own.node)
    const runtimes = [
      { name: `Node ${process.versions.node}`, node: process.execPath, vqtune: 'dist/vqtune.cjs' },
      { name: `as packaged (Node ${version}, code cache)`, node: own.node, vqtune: own.vqtune },
    ]
    return { runtimes: startUp(runtimes, tree), ...growth(tree) }
  } finally {
    for (const made of trees) made.remove()
  }
}

function startUp(
  runtimes: readonly { name: string; node: string; vqtune: string }[],
  tree: (cpus: number, list: GeneratedNic[]) => GeneratedTree,
): Runtime[] {
  const converged = tree(4, nics(1, { maximum: 4, current: 4, counts: [] }))
  const several = tree(4, nics(CHANGING, { maximum: 4, current: 2, counts: [2, 4] }))
  const names = nics(CHANGING, { maximum: 4, current: 2, counts: [] }).map((nic) => nic.name)
  const ethtool = `${several.root}/usr/sbin/ethtool`
  const loop = `${several.root}/loop.sh`
  writeFileSync(
    loop,
    `for nic in ${names.join(' ')}; do ${ethtool} -l $nic >/dev/null; ${ethtool} -L $nic combined 4; done\n`,
  )
  const before = shrink(several, names, 2)
  const all = interleaved(
    runtimes.flatMap(({ name, node, vqtune }) => [
      { name: `${name} ${BARE}`, argv: [node, '-e', '0'] },
      { name: `${name} ${LOADED}`, argv: [node, vqtune, '--version'] },
      { name: `${name} ${CONVERGED}`, argv: [node, vqtune, 'apply', '--root', converged.root] },
      { name: `${name} ${APPLY}`, argv: [node, vqtune, 'apply', '--root', several.root], before },
      { name: `${name} ${BASH}`, argv: ['bash', loop], before },
    ]),
    ROUNDS,
  )
  return runtimes.map(({ name }) => ({
    name,
    times: Object.fromEntries(
      [BARE, LOADED, CONVERGED, APPLY, BASH].map((what) => [what, all[`${name} ${what}`] as Times]),
    ),
  }))
}

function growth(
  tree: (cpus: number, list: GeneratedNic[]) => GeneratedTree,
): Pick<StartupData, 'nics' | 'queues'> {
  const apply = (root: string): string[] => [process.execPath, 'dist/vqtune.cjs', 'apply', '--root', root]
  const pair = (key: string, cpus: number, count: number, queues: number) => {
    const names = nics(count, { maximum: queues, current: queues, counts: [] }).map((nic) => nic.name)
    const still = tree(cpus, nics(count, { maximum: queues, current: queues, counts: [] }))
    const less = Math.max(1, queues >> 1)
    const moving = tree(cpus, nics(count, { maximum: queues, current: less, counts: [less, queues] }))
    return [
      { name: `${key} converged`, argv: apply(still.root) },
      { name: `${key} changing`, argv: apply(moving.root), before: shrink(moving, names, less) },
    ]
  }
  const all = interleaved(
    [
      ...NICS.flatMap((count) => pair(`nics ${count}`, 8, count, 8)),
      ...QUEUES.flatMap((queues) => pair(`queues ${queues}`, queues, 1, queues)),
    ],
    GROWTH_ROUNDS,
  )
  const read = (kind: string, counts: readonly number[]): Growth[] =>
    counts.map((count) => ({
      count,
      converged: all[`${kind} ${count} converged`] as Times,
      changing: all[`${kind} ${count} changing`] as Times,
    }))
  return { nics: read('nics', NICS), queues: read('queues', QUEUES) }
}

function timedVersion(node: string): string {
  const { stdout } = spawnSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' })
  return stdout.trim()
}

function section({ runtimes, nics, queues }: StartupData): Section {
  const converged = runtimes.map(({ name, times }) => {
    const [own, bare] = [times[CONVERGED], times[BARE]] as [Times, Times]
    const runtime = name.startsWith('Node') ? `with ${name}` : name
    return `${(median(own.wallMs) / median(bare.wallMs)).toFixed(2)} ${runtime}`
  })
  return {
    title: 'Start-up: what a run costs',
    summary: `A converged \`apply\` starts no program and writes nothing. Its time relative to a bare \`node -e 0\`: ${converged.join(', ')}.`,
    text: [
      `Medians of ${runtimes[0]?.times[BARE]?.wallMs.length ?? 0} interleaved runs on a generated guest tree, whose \`ethtool\` is a shell script that changes the tree like the kernel would: it takes longer than the real one, and \`apply\` runs those of several NICs in parallel. **Ratio: to the bare runtime (\`node -e 0\`) of the same table, within this run**, for wall time and for processor time (user and system, including children).`,
    ],
    tables: [
      ...runtimes.map(runtimeTable),
      growthTable(nics, 'NICs of 8 queues'),
      growthTable(queues, 'queues, 1 NIC'),
    ],
    charts: [
      growthChart('growth-nics', 'NICs of 8 queues', nics),
      growthChart('growth-queues', 'queues of one NIC', queues),
    ],
  }
}

function runtimeTable({ name, times }: Runtime): Table {
  const bare = times[BARE] as Times
  return {
    columns: [name, 'wall ms (middle half)', 'ratio', 'processor ms', 'ratio'],
    rows: Object.entries(times).map(([what, { wallMs, cpuMs }]) => [
      what,
      spread(wallMs),
      (median(wallMs) / median(bare.wallMs)).toFixed(2),
      median(cpuMs).toFixed(1),
      (median(cpuMs) / median(bare.cpuMs)).toFixed(2),
    ]),
  }
}

function growthTable(list: readonly Growth[], what: string): Table {
  const base = list[0] as Growth
  const ratio = (own: Times, first: Times): string => (median(own.cpuMs) / median(first.cpuMs)).toFixed(2)
  return {
    columns: [
      what,
      'converged, ms',
      'changing, ms',
      'converged, processor ratio',
      'changing, processor ratio',
    ],
    rows: list.map(({ count, converged, changing }) => [
      String(count),
      spread(converged.wallMs),
      spread(changing.wallMs),
      ratio(converged, base.converged),
      ratio(changing, base.changing),
    ]),
  }
}

function growthChart(file: string, what: string, list: readonly Growth[]): Chart {
  const series = (name: string, pick: (one: Growth) => Times) => ({
    name,
    points: list.map((one) => [one.count, median(pick(one).cpuMs)] as const),
  })
  const title = `vqtune apply by number of ${what}`
  return {
    file,
    alt: `${title}: processor time, converged and changing`,
    svg: lineChart(
      title,
      [series('changing, with ethtool', (one) => one.changing), series('converged', (one) => one.converged)],
      { xLabel: what, yLabel: 'processor time, ms (median)', logX: true },
    ),
  }
}

export const startup: Part<StartupData> = { name: 'startup', measure, section }
