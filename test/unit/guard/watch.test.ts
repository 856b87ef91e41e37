import { describe, expect, test } from 'vitest'
import { Readings } from '../../../src/guard/readings'
import { channelSubject } from '../../../src/guard/subject'
import { BEFORE_SLICES, Watch, type WatchStep } from '../../../src/guard/watch'
import { seeded } from '../trial/random'

const WINDOW_SECONDS = 10
const SLICE_MS = 1_000

/** Bytes/s that are asked for in each slice, whatever the channels are. */
type Load = (random: ReturnType<typeof seeded>) => (slice: number) => number

/** Load of a process with memory: the value at a slice is made from that of the one before. */
function chain<S>(
  first: (random: ReturnType<typeof seeded>) => S,
  step: (s: S) => S,
  rate: (s: S) => number,
): Load {
  return (random) => {
    const values = [first(random)]
    return (slice) => {
      while (values.length <= slice) values.push(step(values.at(-1) as S))
      return rate(values[slice] as S)
    }
  }
}

/** Autoregressive logarithm of the rate: phi 0 is white noise, near 1 slow waves. */
const waves =
  (phi: number, sigma: number): Load =>
  (random) =>
    chain(
      () => random.normal(),
      (x) => phi * x + Math.sqrt(1 - phi * phi) * random.normal(),
      (x) => Math.exp(sigma * x),
    )(random)
const noisy = (random: ReturnType<typeof seeded>, rate: number): number =>
  rate * Math.exp(0.1 * random.normal())
/** Half a period of 0.3 to 4 windows. */
const halfPeriod = (random: ReturnType<typeof seeded>): number => 10 * (0.3 + 4 * random.uniform())

const LOADS: Readonly<Record<string, Load>> = {
  'white noise of 30 %': waves(0, 0.3),
  'heavy white noise': waves(0, 1),
  'autocorrelated 0.9': waves(0.9, 0.5),
  'autocorrelated 0.97': waves(0.97, 0.7),
  'autocorrelated 0.99': waves(0.99, 1),
  'a random walk': (random) =>
    chain(
      () => 0,
      (x) => x + 0.15 * random.normal(),
      Math.exp,
    )(random),
  'a falling trend': (random) => (slice) => noisy(random, Math.exp(-0.05 * slice)),
  'a rising trend': (random) => (slice) => noisy(random, Math.exp(0.05 * slice)),
  'a step down at the change': (random) => (slice) => noisy(random, slice < 31 ? 1 : 0.4),
  'a dip that begins and ends with the first comparison': (random) => (slice) =>
    noisy(random, slice >= 30 && slice < 42 ? 0.4 : 1),
  'sine waves of any period': (random) => {
    const [period, phase] = [2 * halfPeriod(random), 7 * random.uniform()]
    return (slice) => 1 + 0.8 * Math.sin(phase + (slice * 2 * Math.PI) / period) + 0.05 * random.uniform()
  },
  'square waves of any period': (random) => {
    const [half, shift] = [halfPeriod(random), 100 * random.uniform()]
    return (slice) => noisy(random, Math.floor((slice + shift) / half) % 2 === 0 ? 1 : 0.3)
  },
  'square waves in step with the guard': (random) => {
    const shift = 100 * random.uniform()
    return (slice) => noisy(random, Math.floor((slice + shift) / 11) % 2 === 0 ? 1 : 0.3)
  },
  'on and off by chance': (random) => {
    const leave = 1 / halfPeriod(random)
    return chain(
      () => random.uniform() < 0.5,
      (on) => (random.uniform() < leave ? !on : on),
      (on) => noisy(random, on ? 1 : 0.3),
    )(random)
  },
  'bursts of heavy tail': (random) => () => {
    const burst = (): number => (1 - random.uniform()) ** (-1 / 1.3)
    return burst() + burst() + burst() + burst() + burst()
  },
}

/** A NIC that had 1 channel for three windows and gets 4. @param loss share of the load that is not moved with 4 */
function runWatch(load: Load, loss: number, seed: number): { end: WatchStep; changes: number } {
  const random = seeded(seed)
  const demand = load(random)
  const readings = new Readings(48)
  let bytes = 0
  let packets = 0
  let channels = 1
  let slice = 0
  const read = (): number => {
    const atMs = slice * SLICE_MS
    readings.add({ atMs, channels, settings: '', bytes, packets })
    const moved = 1e6 * demand(slice) * (channels === 1 ? 1 : 1 - loss)
    bytes += moved
    packets += moved / 100
    slice++
    return atMs
  }
  for (let i = 0; i <= BEFORE_SLICES; i++) read()
  const watch = new Watch(
    channelSubject(1, 4),
    readings.latest((reading) => reading.channels === 1),
    {
      windowSeconds: WINDOW_SECONDS,
      regressionPercent: 20,
      randomBelow: (limit) => Math.floor(limit * random.uniform()),
    },
    (slice - 1) * SLICE_MS,
  )
  channels = 4
  for (let changes = 0; ; ) {
    const nowMs = read()
    const step = watch.next(readings, nowMs)
    if (step.kind === 'wait') continue
    if (step.kind !== 'go') return { end: step, changes }
    channels = Number(step.state)
    changes++
  }
}

function countSteppedBack(load: Load, loss: number, runs: number): number {
  let count = 0
  for (let seed = 1; seed <= runs; seed++) {
    if (runWatch(load, loss, seed * 7919).end.kind === 'guard-reduced') count++
  }
  return count
}

const RUNS = 1_000

describe('on load that varies by itself the guard steps back in at most 1 change of 100:', () => {
  test.each(Object.keys(LOADS))('%s', (name) => {
    expect(countSteppedBack(LOADS[name] as Load, 0, RUNS)).toBeLessThanOrEqual(RUNS / 100)
  })
})

describe('a real regression is found', () => {
  test.each([
    ['white noise of 30 %', 0.8, 0.95],
    ['white noise of 30 %', 0.5, 0.6],
    ['a falling trend', 0.8, 0.95],
    ['a step down at the change', 0.5, 0.95],
    ['autocorrelated 0.97', 0.8, 0.85],
    ['on and off by chance', 0.8, 0.95],
  ] as const)('%s, loss of %d', (name, loss, least) => {
    expect(countSteppedBack(LOADS[name] as Load, loss, 200)).toBeGreaterThanOrEqual(200 * least)
  })
})

describe('a comparison', () => {
  const STEADY: Load = (random) => () => noisy(random, 1)

  test('of a regression goes to and fro twice and says what it saw', () => {
    const { end, changes } = runWatch(STEADY, 0.75, 1)
    expect(changes).toBe(3)
    expect(end).toMatchObject({ kind: 'guard-reduced', state: '1' })
    expect((end as { why: string }).why).toMatch(
      /^[\d.]+ instead of [\d.]+ Mb\/s with 4 instead of 1 channels, 2 times in a row$/,
    )
  })

  test('without one does not touch the NIC', () => {
    expect(runWatch(STEADY, 0, 1)).toMatchObject({ end: { kind: 'kept', state: '4' }, changes: 0 })
    expect(runWatch(STEADY, -1, 1)).toMatchObject({ end: { kind: 'kept', state: '4' }, changes: 0 })
  })

  test('of load that stops at the change does not touch the NIC', () => {
    const stops: Load = () => (slice) => (slice < 31 ? 1 : 0)
    const { end, changes } = runWatch(stops, 0, 1)
    expect(changes).toBe(0)
    expect(end).toMatchObject({ kind: 'not-judged', why: expect.stringContaining('too little traffic') })
  })

  test('of load that falls at the change goes back once, and returns to the new count', () => {
    const { end, changes } = runWatch(LOADS['a step down at the change'] as Load, 0, 1)
    expect(changes).toBe(1)
    expect(end).toMatchObject({
      kind: 'kept',
      state: '4',
      why: expect.stringMatching(/^caused by the load/),
    })
  })
})

describe('a comparison is given up', () => {
  const options = { windowSeconds: 10, regressionPercent: 20, randomBelow: () => 0 }
  const before = Array.from({ length: 10 }, () => ({ seconds: 1, bytes: 1e6, packets: 1_000 }))
  const at = (readings: Readings, atMs: number, channels: number): number => {
    readings.add({ atMs, channels, settings: '', bytes: atMs * 1_000, packets: atMs })
    return atMs
  }

  test('when somebody changes the channels', () => {
    const readings = new Readings(48)
    const watch = new Watch(channelSubject(1, 4), before, options, 0)
    expect(watch.next(readings, at(readings, 1_000, 4))).toEqual({ kind: 'wait' })
    expect(watch.next(readings, at(readings, 2_000, 2))).toEqual({
      kind: 'not-judged',
      state: '4',
      why: 'the channels were changed to 2 meanwhile',
    })
  })

  test('when the NIC does not get the channels', () => {
    const readings = new Readings(48)
    const watch = new Watch(channelSubject(1, 4), before, options, 0)
    expect(watch.next(readings, at(readings, 30_000, 1))).toEqual({ kind: 'wait' })
    expect(watch.next(readings, at(readings, 31_000, 1))).toEqual({
      kind: 'not-judged',
      state: '4',
      why: 'it did not get 4 channels',
    })
  })

  test('not when they are raised further at once', () => {
    const readings = new Readings(48)
    const watch = new Watch(channelSubject(1, 2), before, options, 0)
    watch.next(readings, at(readings, 1_000, 2))
    watch.raise(channelSubject(1, 4), 1_500)
    expect(watch.fresh).toBe(true)
    expect(watch.next(readings, at(readings, 2_000, 4))).toEqual({ kind: 'wait' })
    expect(watch.subject.after).toBe('4')
  })
})
