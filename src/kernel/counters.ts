/** Counters of NICs and vCPUs, and the constants for comparing two readings. */
import { VqtuneError } from '../errors'
import type { System } from '../system/system'
import { parseWholeNumber } from '../text/numbers'

export interface NicCounters {
  readonly rxBytes: number
  readonly rxPackets: number
  readonly txBytes: number
  readonly txPackets: number
}

/** One line of /proc/stat, in ticks of 1/100 s (USER_HZ is 100 wherever virtio-net runs). */
export interface CpuTicks {
  /** user, nice, system, irq, softirq: work of this guest. Without stolen time. */
  readonly busy: number
  readonly softirq: number
  readonly stolen: number
  /** All of the above, idle and waiting for I/O. guest ticks are included in user. */
  readonly total: number
}

export interface Counters {
  readonly nic: NicCounters
  readonly cpu: CpuTicks
  /** Monotonic, milliseconds. */
  readonly atMs: number
}

export const TICKS_PER_SECOND = 100

/** Both directions together; below this a NIC is idle and a measurement meaningless. */
export const IDLE_PACKETS_PER_SECOND = 50

/** Not measured after a change of channels: flows are moving to their queues and congestion windows recover. */
export const SETTLE_MS = 1_000

/**
 * How much a counter grew between two readings. Counters are 64 bits wide in the kernel and only reset with the NIC.
 * @returns undefined if it decreased: it is the counter of another device
 */
export function growth(from: number, to: number): number | undefined {
  return to < from ? undefined : to - from
}

/**
 * The columns of a NIC in /proc/net/dev: eight of what it received, then eight of what it sent; undefined in place of what is
 * no number.
 * @returns undefined if there is no such interface
 */
export function netDevColumns(text: string, nic: string): readonly (number | undefined)[] | undefined {
  for (const line of text.split('\n')) {
    // Names hold no colon or white space (dev_valid_name), but old alias names did: the last colon separates.
    const colon = line.lastIndexOf(':')
    if (colon === -1 || line.slice(0, colon).trim() !== nic) continue
    const columns = line.slice(colon + 1).trim()
    return columns.split(/\s+/).map(parseWholeNumber)
  }
  return undefined
}

/** Parses /proc/net/dev. @returns undefined if there is no such interface or a count is not a number */
export function parseNicCounters(text: string, nic: string): NicCounters | undefined {
  const columns = netDevColumns(text, nic) ?? []
  const [rxBytes, rxPackets] = columns
  const [txBytes, txPackets] = columns.slice(8)
  return rxBytes === undefined || rxPackets === undefined || txBytes === undefined || txPackets === undefined
    ? undefined
    : { rxBytes, rxPackets, txBytes, txPackets }
}

/** Parses /proc/stat: `cpu` (all) and `cpuN`. */
export function parseCpuTicks(text: string): ReadonlyMap<string, CpuTicks> {
  const cpus = new Map<string, CpuTicks>()
  for (const match of text.matchAll(/^(cpu\d*) +(\d[\d ]*)$/gm)) {
    const values = (match[2] as string)
      .trim()
      .split(/ +/)
      .map((field) => parseWholeNumber(field) ?? 0)
    const [user = 0, nice = 0, system = 0, idle = 0, waiting = 0, irq = 0, softirq = 0, stolen = 0] = values
    const busy = user + nice + system + irq + softirq
    cpus.set(match[1] as string, { busy, softirq, stolen, total: busy + idle + waiting + stolen })
  }
  return cpus
}

/** @throws VqtuneError kind vanished, unsupported */
export function readCounters(system: System, nic: string): Counters {
  const text = system.readText(system.paths.procNetDev)
  const counters = text === undefined ? undefined : parseNicCounters(text, nic)
  if (counters === undefined) throw new VqtuneError('vanished', `${nic}: the NIC went away`)
  const cpu = parseCpuTicks(system.readText(system.paths.procStat) ?? '').get('cpu')
  if (cpu === undefined)
    throw new VqtuneError('unsupported', `${system.paths.procStat}: no line for all CPUs`)
  return { nic: counters, cpu, atMs: performance.now() }
}
