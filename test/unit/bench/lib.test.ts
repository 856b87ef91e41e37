import { describe, expect, test } from 'vitest'
import { barChart, lineChart, niceTicks } from '../../../bench/lib/chart'
import { renderDocument, renderTable } from '../../../bench/lib/document'
import { forksBelow, parseForks } from '../../../bench/lib/forks'
import { slopeOf, spread } from '../../../bench/lib/statistics'
import { byName, parseWakeUps } from '../../../bench/lib/wakeups'

describe('statistics', () => {
  test('the spread is the median and the middle half', () => {
    expect(spread([1, 2, 3, 4, 5])).toBe('3.0 (2.0 to 4.0)')
  })

  test('the slope of a line is found exactly, with no margin', () => {
    const { slope, margin } = slopeOf(Array.from({ length: 20 }, (_, i) => [i, 3 + 2 * i] as const))
    expect(slope).toBeCloseTo(2)
    expect(margin).toBeCloseTo(0)
  })

  test('the interval of flat noise holds zero, and is wider when neighbours are alike', () => {
    // Deterministic noise: the fractional parts of multiples of the golden ratio.
    const noise = Array.from({ length: 200 }, (_, i) => ((i * 0.6180339887) % 1) - 0.5)
    const plain = slopeOf(noise.map((y, x) => [x, y] as const))
    expect(Math.abs(plain.slope)).toBeLessThan(plain.margin)
    const trend = slopeOf(noise.map((y, x) => [x, y + x / 10] as const))
    expect(trend.slope - trend.margin).toBeGreaterThan(0)
    let level = 0
    const wandering = noise.map((y) => {
      level = 0.9 * level + y
      return level
    })
    const shuffled = wandering.map((_, i) => wandering[(i * 37) % wandering.length] as number)
    const marginOf = (values: readonly number[]): number => slopeOf(values.map((y, x) => [x, y])).margin
    expect(marginOf(wandering)).toBeGreaterThan(1.5 * marginOf(shuffled))
  })
})

describe('forks', () => {
  // As TP_printk of include/trace/events/sched.h writes it.
  const TRACE = `# tracer: nop
           <...>-412     [001] .....    93.104512: sched_process_fork: comm=MainThread pid=412 child_comm=MainThread child_pid=460
            sh-460     [002] .....    93.120000: sched_process_fork: comm=sh with space pid=460 child_comm=sh with space child_pid=461
        systemd-1       [000] .....    94.000000: sched_process_fork: comm=systemd pid=1 child_comm=systemd child_pid=462
`
  test('are read with whatever the tasks are called', () => {
    expect(parseForks(TRACE)).toEqual([
      { comm: 'MainThread', parent: 412, child: 460 },
      { comm: 'sh with space', parent: 460, child: 461 },
      { comm: 'systemd', parent: 1, child: 462 },
    ])
  })

  test('count for a process with all that it started, and no others', () => {
    expect(forksBelow([412], parseForks(TRACE)).map(({ child }) => child)).toEqual([460, 461])
  })
})

test('wake-ups: of the threads asked for and of those that they started, which may have ended', () => {
  const trace = `
    vqtune-412 [001] d..2. 10.1: sched_process_fork: comm=vqtune pid=412 child_comm=vqtune child_pid=460
    <idle>-0   [000] dNh2. 10.2: sched_wakeup: comm=vqtune pid=412 prio=120 target_cpu=000
    vqtune-412 [001] d..2. 10.3: sched_wakeup: comm=Pool 0 pid=460 prio=120 target_cpu=001
    vqtune-412 [001] d..2. 10.4: sched_wakeup: comm=kworker/0:1 pid=9 prio=120 target_cpu=000
    <idle>-0   [000] dNh2. 70.2: sched_wakeup: comm=vqtune pid=412 prio=120 target_cpu=000
`
  const seen = parseWakeUps([412], trace)
  expect(seen.map(({ thread }) => thread)).toEqual([412, 460, 412])
  expect(byName(seen)).toEqual([
    ['vqtune', 2],
    ['Pool 0', 1],
  ])
})

describe('charts', () => {
  test('ticks are round and reach the largest value', () => {
    expect(niceTicks(9.1)).toEqual([0, 2, 4, 6, 8, 10])
    expect(niceTicks(0.3).at(-1)).toBeGreaterThanOrEqual(0.3)
    expect(niceTicks(0)).toEqual([0])
  })

  test('are the same text each time, escaped, and follow dark pages', () => {
    const bars = [{ label: 'a < b & c', value: 2, range: [1, 3] as const, note: '2 ms', ours: true }]
    const svg = barChart('Bars', bars)
    expect(svg).toBe(barChart('Bars', bars))
    expect(svg).toContain('a &lt; b &amp; c')
    expect(svg).toContain('prefers-color-scheme:dark')
    expect(svg).not.toMatch(/NaN|undefined/)
  })

  test('draw a line for each series, doubling axes evenly', () => {
    const points = [1, 2, 4].map((x) => [x, x] as const)
    const svg = lineChart(
      'Lines',
      [
        { name: 'one', points },
        { name: 'two', points },
      ],
      { xLabel: 'x', yLabel: 'y', logX: true },
    )
    expect(svg.match(/class="line /g)).toHaveLength(2)
    const xs = [...svg.matchAll(/<circle class="a" cx="([\d.]+)"/g)].map((match) => Number(match[1]))
    expect((xs[1] as number) - (xs[0] as number)).toBeCloseTo((xs[2] as number) - (xs[1] as number), 0)
    expect(svg).not.toMatch(/NaN|undefined/)
  })
})

describe('the document', () => {
  const machine = {
    at: '2026-11-25T11:00:00.000Z',
    commit: 'abc',
    node: '20.20.2',
    cpu: 'CPU',
    cores: 2,
    memoryGib: 24,
    kernel: '6.1',
    load: [1, 2],
  } as const

  test('aligns tables and keeps bars within cells', () => {
    const lines = renderTable({ columns: ['what', 'ms'], rows: [['a | b', '1.0']] }).split('\n')
    expect(lines).toEqual(['| what   |  ms |', '| ------ | --: |', '| a \\| b | 1.0 |'])
  })

  test('begins with the results of the parts that have one', () => {
    const section = { title: 'Part', text: [], tables: [], charts: [] }
    const text = renderDocument([
      { name: 'a', machine, section: { ...section, summary: 'One.' } },
      { name: 'b', machine, section },
      { name: 'c', machine, section: { ...section, summary: 'Three.' } },
    ])
    expect(text).toContain('## Summary\n\n- One.\n- Three.\n\n## Part')
  })

  test('says of each part where and when it ran', () => {
    const section = {
      title: 'Part',
      text: ['Text.'],
      tables: [],
      charts: [{ file: 'f', alt: 'Alt', svg: '' }],
    }
    const text = renderDocument([{ name: 'part', machine, section }])
    expect(text).toContain('## Part')
    expect(text).not.toContain('Summary')
    expect(text).toContain('![Alt](benchmarks/f.svg)')
    expect(text).toContain('`npm run bench -- part`, 2026-11-25 11:00 UTC, commit abc, Node 20.20.2')
  })
})
