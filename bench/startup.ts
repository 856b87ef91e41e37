/**
 * What a run costs, as ratios within this run (absolute times differ by machine and hour):
 * bare node, a converged apply, an apply that changes 8 NICs, the same in bash; then growth in NICs and queues.
 * Every case is run once per round, rounds are interleaved, medians are printed.
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { type GeneratedNic, type GeneratedTree, generateTree } from '../test/support/generated-tree'

const ROUNDS = Number(process.argv[2] ?? 15)
const BUNDLE = 'dist/vqtune.cjs'
// Certificates read at start-up would be charged to every Node alike, but not to bash.
const ENV = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }

interface Case {
  readonly name: string
  readonly argv: readonly string[]
  /** Brings the tree back to where the case starts; not timed. */
  readonly before?: () => void
}

function timed(argv: readonly string[]): number {
  const [file = '', ...args] = argv
  const start = process.hrtime.bigint()
  const { status, stderr } = spawnSync(file, args, { env: ENV, stdio: ['ignore', 'ignore', 'pipe'] })
  const ms = Number(process.hrtime.bigint() - start) / 1e6
  if (status !== 0) throw new Error(`${argv.join(' ')}: exit ${status}: ${stderr}`)
  return ms
}

function measure(cases: readonly Case[]): Map<string, number> {
  const times = new Map<string, number[]>(cases.map(({ name }) => [name, []]))
  for (let round = -1; round < ROUNDS; round++) {
    for (const { name, argv, before } of cases) {
      before?.()
      const ms = timed(argv)
      if (round >= 0) times.get(name)?.push(ms) // round -1 warms the caches
    }
    process.stderr.write(`\rround ${round + 1} of ${ROUNDS}`)
  }
  process.stderr.write('\r                    \r')
  return new Map([...times].map(([name, list]) => [name, list.sort((a, b) => a - b)[list.length >> 1] ?? 0]))
}

const nics = (count: number, options: Omit<GeneratedNic, 'name'>): GeneratedNic[] =>
  Array.from({ length: count }, (_, i) => ({ name: `eth${i}`, ...options }))

const trees: GeneratedTree[] = []
const tree = (cpus: number, list: GeneratedNic[]): GeneratedTree => {
  const made = generateTree(cpus, list)
  trees.push(made)
  return made
}
const apply = (root: string): string[] => [process.execPath, BUNDLE, 'apply', '--root', root]

/** Puts every NIC of a tree back to `count` channels with its own ethtool. */
const shrink = (made: GeneratedTree, names: readonly string[], count: number) => (): void => {
  for (const name of names) timed([`${made.root}/usr/sbin/ethtool`, '-L', name, 'combined', String(count)])
}

function startUp(): void {
  const converged = tree(4, nics(1, { maximum: 4, current: 4, counts: [] }))
  const eight = tree(4, nics(8, { maximum: 4, current: 2, counts: [2, 4] }))
  const names = nics(8, { maximum: 4, current: 2, counts: [] }).map((nic) => nic.name)
  const loop = `${eight.root}/loop.sh`
  writeFileSync(
    loop,
    `for nic in ${names.join(' ')}; do ${eight.root}/usr/sbin/ethtool -l $nic >/dev/null; ${eight.root}/usr/sbin/ethtool -L $nic combined 4; done\n`,
  )
  const medians = measure([
    { name: 'node -e 0', argv: [process.execPath, '-e', '0'] },
    { name: 'vqtune apply, converged', argv: apply(converged.root) },
    { name: 'vqtune apply, 8 NICs to change', argv: apply(eight.root), before: shrink(eight, names, 2) },
    { name: 'bash loop of ethtool -l, -L, 8 NICs', argv: ['bash', loop], before: shrink(eight, names, 2) },
  ])
  print('Start-up', medians, 'node -e 0')
}

function growth(): void {
  const cases: Case[] = []
  for (const count of [1, 2, 4, 8, 16, 32]) {
    cases.push({
      name: `converged, ${count} NICs of 8 queues`,
      argv: apply(tree(8, nics(count, { maximum: 8, current: 8, counts: [] })).root),
    })
  }
  for (const queues of [1, 4, 16, 64, 256]) {
    cases.push({
      name: `converged, 1 NIC of ${queues} queues`,
      argv: apply(tree(queues, nics(1, { maximum: queues, current: queues, counts: [] })).root),
    })
  }
  print('Growth', measure(cases), cases[0]?.name ?? '')
}

function print(title: string, medians: ReadonlyMap<string, number>, base: string): void {
  const unit = medians.get(base) ?? 1
  console.log(`\n${title}: medians of ${ROUNDS} interleaved runs, Node ${process.versions.node}`)
  console.log(`${'case'.padEnd(40)}${'ms'.padStart(8)}${'ratio'.padStart(8)}`)
  for (const [name, ms] of medians) {
    console.log(`${name.padEnd(40)}${ms.toFixed(1).padStart(8)}${(ms / unit).toFixed(2).padStart(8)}`)
  }
}

try {
  startUp()
  growth()
} finally {
  for (const made of trees) made.remove()
}
