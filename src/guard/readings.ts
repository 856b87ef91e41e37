/** The rolling window: the latest readings of one NIC's counters, bounded, each with what the NIC had at that time. */
import { growth, parseNicCounters } from '../kernel/counters'
import type { System } from '../system/system'
import type { GuardSlice } from './decide'

export interface Reading {
  /** Monotonic, milliseconds. */
  readonly atMs: number
  readonly channels: number
  /** What the last pass of the daemon left: see settingsText. */
  readonly settings: string
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

  /** Slices of such readings from that time on, oldest first. */
  since(fits: (reading: Reading) => boolean, fromMs: number): readonly GuardSlice[] {
    return slicesOf(this.all.filter((reading) => reading.atMs >= fromMs && fits(reading)))
  }

  /** Slices of the latest uninterrupted time of such readings, which may be over by now; oldest first. */
  latest(fits: (reading: Reading) => boolean): readonly GuardSlice[] {
    const before = this.all.slice(0, this.all.findLastIndex(fits) + 1)
    const start = before.findLastIndex((reading) => !fits(reading)) + 1
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
export function readNic(system: System, name: string, settings: string, atMs: number): Reading | undefined {
  const counters = parseNicCounters(system.readText(system.paths.procNetDev) ?? '', name)
  if (counters === undefined) return undefined
  const channels = system
    .list(`${system.paths.sysClassNet}/${name}/queues`)
    .filter((queue) => queue.startsWith('tx-')).length
  return {
    atMs,
    channels,
    settings,
    bytes: counters.rxBytes + counters.txBytes,
    packets: counters.rxPackets + counters.txPackets,
  }
}
