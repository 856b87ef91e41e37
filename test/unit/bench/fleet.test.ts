import { describe, expect, test } from 'vitest'
import { dashboardQueries } from '../../../bench/lib/dashboard-queries'
import { BUSY_GUEST, historyOf, metricsOf, nameOf, presenceHistory } from '../../../bench/lib/fleet-guests'

const SINCE = 29_000_000
/** Has a NIC that comes and goes. */
const CHURNING = 13
const QUIET = 1

const samples = (text: string): string[] => text.split('\n').filter((line) => /^[^#]/.test(line))
const seriesOf = (line: string): string => /^[^ ]+/.exec(line)?.[0] ?? ''

describe('the simulated guests', () => {
  test.each([QUIET, BUSY_GUEST, CHURNING])('guest %i tells each series once', (guest) => {
    const names = samples(metricsOf(guest, SINCE + 3, SINCE, 'text')).map(seriesOf)
    expect(names.length).toBeGreaterThan(30)
    expect(new Set(names).size).toBe(names.length)
  })

  test('have no more series on average than the benchmark promises', () => {
    // 43 for each guest: a Prometheus of 10,000 guests then needs about a gigabyte.
    const counts = Array.from(
      { length: 1_000 },
      (_, guest) => samples(metricsOf(guest, SINCE, SINCE, 'text')).length,
    )
    expect(counts.reduce((sum, count) => sum + count, 0) / counts.length).toBeLessThanOrEqual(43)
  })

  test('a NIC comes and goes, under another name each time', () => {
    const nicsAt = (minute: number): string[] =>
      samples(metricsOf(CHURNING, minute, SINCE, 'text')).filter((line) =>
        line.startsWith('vqtune_nic_channels{'),
      )
    expect(nicsAt(SINCE).length).toBe(nicsAt(SINCE + 5).length + 1)
    expect(nicsAt(SINCE + 10).length).toBe(nicsAt(SINCE).length)
    expect(nicsAt(SINCE + 10)).not.toEqual(nicsAt(SINCE))
  })

  test.each([QUIET, BUSY_GUEST, CHURNING])(
    'the history of guest %i is what it told minute by minute',
    (guest) => {
      const minutes = [0, 1, 2, 3, 4, 5, 6].map((minute) => SINCE + minute)
      const told = minutes.flatMap((minute) =>
        samples(metricsOf(guest, minute, SINCE, 'text')).map((line) => `${line} ${minute * 60_000}`),
      )
      const history = samples(historyOf(guest, SINCE, SINCE + minutes.length, SINCE))
      expect([...history].sort()).toEqual([...told].sort())
      // Each series is in one piece, oldest first: a Prometheus takes no older sample after a newer one.
      const pieces = history.filter((line, i) => seriesOf(line) !== seriesOf(history[i - 1] ?? ''))
      expect(new Set(pieces.map(seriesOf)).size).toBe(pieces.length)
    },
  )

  test('that each was there is known of a day', () => {
    const blocks = [...presenceHistory(3, SINCE, 'vqtune')]
    expect(blocks.every((text) => text.endsWith('# EOF\n'))).toBe(true)
    expect(blocks.flatMap(samples).length).toBe(3 * 96)
  })
})

test('the queries of the dashboard have no variable left', () => {
  const queries = dashboardQueries(nameOf(BUSY_GUEST), 1_800_000_000)
  expect(queries.length).toBeGreaterThan(30)
  for (const { path } of queries) expect(decodeURIComponent(path)).not.toContain('$')
})
