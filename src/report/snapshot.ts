/** One reading of all counters that the report compares. */

import { type CpuTicks, type NicCounters, parseCpuTicks, parseNicCounters } from '../kernel/counters'
import type { ObservedNic } from '../model'
import type { System } from '../system/system'
import { parseWholeNumber } from '../text/numbers'
import {
  countFlows,
  type InterruptCounts,
  parseInterruptCounts,
  parseNetSoftirqs,
  parseQueueStats,
  parseSoftnet,
  parseTcpSegments,
  type QueueStats,
  type SoftnetCounts,
} from './parse'

export interface Flows {
  /** Connected TCP and UDP sockets with a peer elsewhere, of this network namespace, over all NICs. */
  readonly sockets: number
  /** Tracked connections, forwarded ones too; undefined without connection tracking. */
  readonly tracked: number | undefined
}

export interface Snapshot {
  /** Monotonic, milliseconds. */
  readonly atMs: number
  /** By interface name. */
  readonly nics: ReadonlyMap<
    string,
    { readonly counters: NicCounters; readonly queues: ReadonlyMap<number, QueueStats> }
  >
  readonly interrupts: InterruptCounts
  /** By `cpuN`. */
  readonly cpus: ReadonlyMap<string, CpuTicks>
  readonly softirqs: ReturnType<typeof parseNetSoftirqs>
  readonly softnet: ReadonlyMap<number, SoftnetCounts>
  readonly tcp: ReturnType<typeof parseTcpSegments>
  readonly flows: Flows
}

const SOCKET_FILES = ['tcp', 'tcp6', 'udp', 'udp6'] as const

/** Runs `ethtool -S` once for each NIC; the rest is procfs. A file that is missing counts as empty. */
export async function readSnapshot(
  system: System,
  nics: readonly ObservedNic[],
  online: readonly number[],
): Promise<Snapshot> {
  const { paths } = system
  const read = (path: string): string => system.readText(path) ?? ''
  const queueStats = await Promise.all(nics.map((nic) => readQueueStats(system, nic.name)))
  const dev = read(paths.procNetDev)
  const none = { rxBytes: 0, rxPackets: 0, txBytes: 0, txPackets: 0 }
  return {
    atMs: performance.now(),
    nics: new Map(
      nics.map(({ name }, i) => [
        name,
        { counters: parseNicCounters(dev, name) ?? none, queues: queueStats[i] ?? new Map() },
      ]),
    ),
    interrupts: parseInterruptCounts(read(paths.procInterrupts)),
    cpus: parseCpuTicks(read(paths.procStat)),
    softirqs: parseNetSoftirqs(read(paths.procSoftirqs)),
    softnet: parseSoftnet(read(`${paths.procNet}/softnet_stat`), online),
    tcp: parseTcpSegments(read(`${paths.procNet}/snmp`)),
    flows: {
      sockets: SOCKET_FILES.reduce((sum, file) => sum + countFlows(read(`${paths.procNet}/${file}`)), 0),
      tracked: parseWholeNumber(read(paths.procConntrackCount).trim()),
    },
  }
}

async function readQueueStats(system: System, nic: string): Promise<ReadonlyMap<number, QueueStats>> {
  if (system.findTool('ethtool') === undefined) return new Map()
  const result = await system.run('ethtool', ['-S', nic])
  return result.code === 0 ? parseQueueStats(result.stdout) : new Map()
}
