/** The rolling window: the latest readings of one NIC's counters, bounded, each with the channels at that time. */
import { growth, parseNicCounters } from '../kernel/counters'
import type { System } from '../system/system'
import type { GuardSlice } from './decide'

export interface Reading {
  /** Monotonic, milliseconds. */
  readonly atMs: number
  readonly channels: number
  /** Both directions, since the NIC appeared. */
  readonly bytes: number
  readonly packets: number
}

export class Readings {
  private readonly all: Reading[] = []

  /** @param limit how many are kept, 2.. */
  constructor(private readonly limit: number) {}

  add(reading: Reading): void {
    this.all.push(reading)
    if (this.all.length > this.limit) this.all.shift()
  }

  get last(): Reading | undefined {
    return this.all.at(-1)
  }

  /** Slices with that count from that time on, oldest first. */
  since(channels: number, fromMs: number): readonly GuardSlice[] {
    return slicesOf(this.all.filter((reading) => reading.atMs >= fromMs && reading.channels === channels))
  }

  /** Slices of the latest uninterrupted time with that count, which may be over by now; oldest first. */
  latestAt(channels: number): readonly GuardSlice[] {
    const end = this.all.findLastIndex((reading) => reading.channels === channels)
    const before = this.all.slice(0, end + 1)
    const start = before.findLastIndex((reading) => reading.channels !== channels) + 1
    return slicesOf(before.slice(start))
  }
}

function slicesOf(readings: readonly Reading[]): readonly GuardSlice[] {
  return readings.slice(1).flatMap((to, i): GuardSlice[] => {
    const from = readings[i] as Reading
    const seconds = (to.atMs - from.atMs) / 1000
    const bytes = growth(from.bytes, to.bytes)
    const packets = growth(from.packets, to.packets)
    // Without elapsed time there is no rate.
    return seconds <= 0 || bytes === undefined || packets === undefined ? [] : [{ seconds, bytes, packets }]
  })
}

/**
 * Reads one NIC: two small kernel files, no child process.
 * @returns undefined when it is not there
 */
export function readNic(system: System, name: string, atMs: number): Reading | undefined {
  const counters = parseNicCounters(system.readText(system.paths.procNetDev) ?? '', name)
  if (counters === undefined) return undefined
  const channels = system
    .list(`${system.paths.sysClassNet}/${name}/queues`)
    .filter((queue) => queue.startsWith('tx-')).length
  return {
    atMs,
    channels,
    bytes: counters.rxBytes + counters.txBytes,
    packets: counters.rxPackets + counters.txPackets,
  }
}
