/** What a fleet costs its Prometheus: series, memory, rules and dashboard, with 100, 1,000 and 10,000 guests. */
import { setTimeout as sleep } from 'node:timers/promises'
import { median } from '../../src/quantile'
import { lineChart } from '../lib/chart'
import { dashboardQueries } from '../lib/dashboard-queries'
import { BUSY_GUEST, nameOf, presenceHistory } from '../lib/fleet-guests'
import { FleetServer } from '../lib/fleet-server'
import { LocalPrometheus } from '../lib/local-prometheus'
import type { Chart, Part, Section, Table } from '../lib/part'
import { spread } from '../lib/statistics'

const GUESTS = [100, 1_000, 10_000] as const
const JOB = 'vqtune'
const SCRAPE_S = 60
/** Of each guest, beside the first, which brings the history: the rules run with all guests meanwhile. */
const SCRAPES = 4
/** Of waiting for them: a machine that is busy with other work is late. */
const PATIENCE_MS = 30 * 60_000
const QUERY_ROUNDS = 5
const GOAL_S = 1
/** Rules and queries in the tables; there are many that take no time. */
const SHOWN = 5

interface Memory {
  readonly headSeries: number
  /** Bytes after a garbage collection. */
  readonly heap: number
  readonly resident: number
}

/** Seconds, or milliseconds, by name. */
type Costs = Readonly<Record<string, readonly number[]>>

interface Fleet extends Memory {
  readonly guests: number
  readonly nics: number
  /** Of vqtune now, without what churn has left in the head, and without Prometheus' own about each target. */
  readonly series: number
  readonly byName: Readonly<Record<string, number>>
  /** Processor seconds of the whole process in a minute: scrapes, rules, all else, but no query. */
  readonly cpuPerMinute: number
  /** Seconds of each evaluation of a group, and of each rule. */
  readonly groups: Costs
  readonly rules: Costs
  /** Milliseconds. */
  readonly queries: Costs
}

interface FleetData {
  readonly empty: Memory
  readonly fleets: readonly Fleet[]
}

async function measure(): Promise<FleetData> {
  const empty = await withPrometheus(0, async (prometheus) => {
    await sleep(60_000)
    return memoryOf(prometheus)
  })
  const fleets: Fleet[] = []
  for (const guests of sizes()) {
    fleets.push(await withPrometheus(guests, (prometheus, server) => measureFleet(prometheus, server)))
  }
  return { empty, fleets }
}

/** All, or a single one, to find out what is slow: FLEET_GUESTS=1000. */
function sizes(): readonly number[] {
  const only = process.env.FLEET_GUESTS
  return only === undefined ? GUESTS : [Number(only)]
}

async function withPrometheus<T>(
  guests: number,
  use: (prometheus: LocalPrometheus, server: FleetServer) => Promise<T>,
): Promise<T> {
  const server = await FleetServer.start(guests)
  try {
    const prometheus = await LocalPrometheus.start({
      job: JOB,
      scrapeSeconds: SCRAPE_S,
      address: server.address,
      targets: Array.from({ length: guests }, (_, i) => ({ path: `/${i}/metrics`, instance: nameOf(i) })),
      history: () => (guests === 0 ? [] : presenceHistory(guests, server.firstMinute, JOB)),
    })
    try {
      return await use(prometheus, server)
    } finally {
      await prometheus.stop()
    }
  } finally {
    await server.close()
  }
}

async function measureFleet(prometheus: LocalPrometheus, { scrapes }: FleetServer): Promise<Fleet> {
  const groups: Record<string, number[]> = {}
  const rules: Record<string, number[]> = {}
  const limit = Date.now() + PATIENCE_MS
  let window: { readonly atMs: number; readonly cpu: number } | undefined
  for (let least = 0; least <= SCRAPES; least = Math.min(...scrapes)) {
    if (Date.now() > limit) throw new Error(`only ${least} scrapes of some guests: it cannot follow`)
    await sleep(SCRAPE_S * 1_000)
    process.stderr.write(`\r${scrapes.length} guests, scraped ${least} times `)
    // With half the guests, or during the first scrapes of all, an evaluation is not what it will be.
    if (least < 2) continue
    window ??= { atMs: Date.now(), cpu: await cpuOf(prometheus) }
    for (const { name, seconds } of await prometheus.groupSeconds()) keep(groups, name, seconds)
    for (const { name, seconds } of await prometheus.rules()) keep(rules, name, seconds)
  }
  process.stderr.write('\n')
  if (window === undefined) throw new Error('no scrape of all guests was waited for')
  const cpuPerMinute = (60_000 * ((await cpuOf(prometheus)) - window.cpu)) / (Date.now() - window.atMs)
  const guests = scrapes.length
  const up = await prometheus.value('sum(up)')
  if (up !== guests) throw new Error(`${up} of ${guests} guests are up`)
  const queries: Record<string, number[]> = {}
  for (let round = 0; round < QUERY_ROUNDS; round++) {
    const now = Math.floor(Date.now() / 1_000)
    for (const { what, path } of dashboardQueries(nameOf(BUSY_GUEST), now)) {
      keep(queries, what, await prometheus.timed(path))
    }
  }
  const byName = await prometheus.vector('count by (__name__) ({__name__=~"vqtune_.+"})')
  return {
    guests,
    nics: await prometheus.value('count(vqtune_nic_channels)'),
    series: byName.reduce((sum, { value }) => sum + value, 0),
    byName: Object.fromEntries(byName.map(({ labels, value }) => [labels.__name__ ?? '', value])),
    cpuPerMinute,
    groups,
    rules,
    queries,
    ...(await memoryOf(prometheus)),
  }
}

/** Processor seconds since its start. */
async function cpuOf(prometheus: LocalPrometheus): Promise<number> {
  return (await prometheus.ownMetrics()).get('process_cpu_seconds_total') ?? 0
}

/** 0: not evaluated yet. */
function keep(costs: Record<string, number[]>, name: string, value: number): void {
  if (value === 0) return
  const values = costs[name] ?? []
  costs[name] = values
  values.push(value)
}

async function memoryOf(prometheus: LocalPrometheus): Promise<Memory> {
  const own = await prometheus.ownMetrics()
  const number = (name: string): number => {
    const value = own.get(name)
    if (value === undefined) throw new Error(`${name}: Prometheus does not tell`)
    return value
  }
  return {
    headSeries: number('prometheus_tsdb_head_series'),
    heap: number('go_memstats_heap_alloc_bytes'),
    resident: number('process_resident_memory_bytes'),
  }
}

/** Costliest first, by the median. */
function costliest(costs: Costs): [name: string, values: readonly number[]][] {
  return Object.entries(costs).sort(([, a], [, b]) => median(b) - median(a))
}

const worst = (costs: Costs): number => Math.max(...Object.values(costs).map((values) => median(values)))
const allGroups = ({ groups }: Fleet): number =>
  Object.values(groups).reduce((sum, values) => sum + median(values), 0)
const perGuest = (fleet: Fleet, empty: Memory, pick: (memory: Memory) => number): number =>
  (pick(fleet) - pick(empty)) / fleet.guests
const kib = (bytes: number): string => (bytes / 1_024).toFixed(1)

function section({ empty, fleets }: FleetData): Section {
  const largest = fleets.at(-1) as Fleet
  const count = largest.guests.toLocaleString('en')
  return {
    title: 'What a fleet costs its Prometheus',
    summary: `Of ${count} guests, a Prometheus keeps ${(largest.series / largest.guests).toFixed(0)} series and ${kib(perGuest(largest, empty, ({ heap }) => heap))} KiB of heap per guest; it uses ${largest.cpuPerMinute.toFixed(1)} processor seconds a minute for scrapes and rules, and the slowest query of the dashboard takes ${(worst(largest.queries) / 1_000).toFixed(2)} s (goal with 10,000: under ${GOAL_S} s).`,
    text: [
      `Debian's Prometheus with the shipped rules scrapes one server that has the metrics of all guests: vqtune's own code renders the metrics of simulated guests, ${(largest.nics / largest.guests).toFixed(2)} NICs each on average; one guest in 50 drifts, one in 50 has a NIC that comes and goes under a new name every ten minutes. Scrapes and rules run every ${SCRAPE_S} s. The first scrape of a guest brings 50 minutes with their times, since rules look back an hour; a day of the recording that a guest was there, for which one rule asks, is in blocks. Other series have no more: the dashboard's fleet panels, which show a day, read recordings, and its guest panels one guest.`,
      'Memory is that of the process minus that of a Prometheus with the same rules and no guests, after a garbage collection; resident memory also has what the collector keeps for reuse, and pages of blocks. The head also holds what churn has left there and what Prometheus notes about each scrape. Samples of two to three hours, which a head holds, add 1 to 2 bytes each. Rules and queries: medians, of Prometheus at the lowest priority while other work ran; the processor time is what does not depend on that.',
    ],
    tables: [sizeTable(empty, fleets), familyTable(largest), ruleTable(fleets), queryTable(fleets)],
    charts: [growthChart(fleets)],
  }
}

function sizeTable(empty: Memory, fleets: readonly Fleet[]): Table {
  const row = (what: string, value: (fleet: Fleet) => string): string[] => [what, ...fleets.map(value)]
  return {
    columns: ['guests', ...fleets.map(({ guests }) => guests.toLocaleString('en'))],
    rows: [
      row('series of vqtune, per guest', ({ series, guests }) => (series / guests).toFixed(1)),
      row('series in the head, per guest', (fleet) =>
        perGuest(fleet, empty, ({ headSeries }) => headSeries).toFixed(1),
      ),
      row('heap, KiB per guest', (fleet) => kib(perGuest(fleet, empty, ({ heap }) => heap))),
      row('resident memory, KiB per guest', (fleet) =>
        kib(perGuest(fleet, empty, ({ resident }) => resident)),
      ),
      row('resident memory, MiB', ({ resident }) => (resident / 2 ** 20).toFixed(0)),
      row('processor, s per minute', ({ cpuPerMinute }) => cpuPerMinute.toFixed(1)),
      row('all rule groups, s', (fleet) => allGroups(fleet).toFixed(3)),
      row(`slowest query of the dashboard, s (goal: ${GOAL_S})`, ({ queries }) =>
        (worst(queries) / 1_000).toFixed(3),
      ),
    ],
  }
}

function familyTable({ byName, guests, series }: Fleet): Table {
  const names = Object.entries(byName).sort(([, a], [, b]) => b - a)
  return {
    columns: [`metric, ${guests.toLocaleString('en')} guests`, 'series per guest', 'share'],
    rows: names
      .slice(0, SHOWN)
      .map(([name, count]) => [
        `\`${name}\``,
        (count / guests).toFixed(1),
        `${((100 * count) / series).toFixed(0)} %`,
      ]),
  }
}

function ruleTable(fleets: readonly Fleet[]): Table {
  const largest = fleets.at(-1) as Fleet
  const row = (name: string, pick: (fleet: Fleet) => Costs): string[] => [
    `\`${name}\``,
    ...fleets.map((fleet) => spread(pick(fleet)[name]?.map((seconds) => 1_000 * seconds) ?? [], 1)),
  ]
  return {
    columns: ['rule groups, and the costliest rules, ms', ...columnsOf(fleets)],
    rows: [
      ...costliest(largest.groups).map(([name]) => row(name, ({ groups }) => groups)),
      ...costliest(largest.rules)
        .slice(0, SHOWN)
        .map(([name]) => row(name, ({ rules }) => rules)),
    ],
  }
}

function queryTable(fleets: readonly Fleet[]): Table {
  const largest = fleets.at(-1) as Fleet
  const all = Object.keys(largest.queries).length
  return {
    columns: [`the costliest of ${all} queries of the dashboard, ms`, ...columnsOf(fleets)],
    rows: costliest(largest.queries)
      .slice(0, SHOWN)
      .map(([what]) => [what, ...fleets.map(({ queries }) => spread(queries[what] ?? [], 1))]),
  }
}

const columnsOf = (fleets: readonly Fleet[]): string[] =>
  fleets.map(({ guests }) => `${guests.toLocaleString('en')} guests`)

function growthChart(fleets: readonly Fleet[]): Chart {
  const title = 'Prometheus by number of guests: seconds of all rules, and of the slowest query'
  return {
    file: 'fleet',
    alt: title,
    svg: lineChart(
      title,
      [
        { name: 'all rules', points: fleets.map((fleet) => [fleet.guests, allGroups(fleet)] as const) },
        {
          name: 'slowest query',
          points: fleets.map(({ guests, queries }) => [guests, worst(queries) / 1_000] as const),
        },
      ],
      { xLabel: 'guests', yLabel: 'seconds (median)', logX: true },
    ),
  }
}

export const fleet: Part<FleetData> = { name: 'fleet', measure, section }
