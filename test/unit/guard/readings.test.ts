import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Reading, Readings, readNic } from '../../../src/guard/readings'
import { openSystem } from '../../../src/system/system'

/** One reading a second, 100 bytes and 1 packet in each. */
function filled(counts: readonly number[], limit = 48): Readings {
  const readings = new Readings(limit)
  counts.forEach((channels, i) => {
    readings.add({ atMs: 1_000 * i, channels, settings: '', bytes: 100 * i, packets: i })
  })
  return readings
}
const at =
  (count: number) =>
  ({ channels }: Reading): boolean =>
    channels === count
const SLICE = { seconds: 1, bytes: 100, packets: 1 }

test('slices have the same count at both ends', () => {
  expect(filled([1, 1, 1, 4, 4]).latest(at(1))).toEqual([SLICE, SLICE])
  expect(filled([1, 1, 1, 4, 4]).latest(at(4))).toEqual([SLICE])
  expect(filled([1, 1, 4, 1, 1, 1, 4]).latest(at(1))).toEqual([SLICE, SLICE])
  expect(filled([4, 4]).latest(at(1))).toEqual([])
  expect(filled([1, 4, 4, 4, 4]).since(at(4), 2_000)).toEqual([SLICE, SLICE])
})

test('the window is bounded', () => {
  expect(filled(new Array(1_000).fill(2), 31).latest(at(2))).toHaveLength(30)
})

test('counters that went back make no slice', () => {
  const readings = filled([1, 1])
  readings.add({ atMs: 2_000, channels: 1, settings: '', bytes: 5, packets: 0 })
  readings.add({ atMs: 2_000, channels: 1, settings: '', bytes: 6, packets: 1 })
  expect(readings.latest(at(1))).toEqual([SLICE])
})

test('a reading is both directions and the transmit queues', () => {
  const root = mkdtempSync(join(tmpdir(), 'vqtune-readings-'))
  try {
    mkdirSync(`${root}/proc/net`, { recursive: true })
    writeFileSync(
      `${root}/proc/net/dev`,
      'Inter-| Receive | Transmit\n eth0: 1000 10 0 0 0 0 0 0 500 5 0 0 0 0 0 0\n',
    )
    for (const queue of ['rx-0', 'rx-1', 'rx-2', 'tx-0', 'tx-1']) {
      mkdirSync(`${root}/sys/class/net/eth0/queues/${queue}`, { recursive: true })
    }
    const system = openSystem(root)
    expect(readNic(system, 'eth0', '2', 7)).toEqual({
      atMs: 7,
      channels: 2,
      settings: '2',
      bytes: 1500,
      packets: 15,
    })
    expect(readNic(system, 'eth1', '2', 7)).toBeUndefined()
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})
