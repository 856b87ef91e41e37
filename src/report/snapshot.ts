/** One reading of all counters that the report compares. */

import { type CpuTicks, type NicCounters, parseCpuTicks, parseNicCounters } from '../kernel/counters'
import { type InterruptCounts, parseInterruptCounts } from '../kernel/interrupt-counts'
import { parseQueueStats, type QueueStats } from '../kernel/queue-stats'
import { parseTcpSegments } from '../kernel/tcp-segments'
import type { ObservedNic } from '../model'
import type { System } from '../system/system'
import { parseWholeNumber } from '../text/numbers'
import { answer } from './nic-facts'
import { countFlows, parseNetSoftirqs, parseSoftnet, type SoftnetCounts } from './parse'
import { type Drops, parseDrops, parseRootQdisc, type RootQdisc } from './parse-nic'

export interface Flows {
  /** Connected TCP and UDP sockets with a peer elsewhere, of this network namespace, over all NICs. */
  readonly sockets: number
  /** Tracked connections, forwarded ones too; undefined without connection tracking. */
  readonly tracked: number | undefined
}

export interface NicReading {
  readonly counters: NicCounters
  readonly queues: ReadonlyMap<number, QueueStats>
  /** undefined where it cannot be told, as of the qdisc without tc. */
  readonly drops: Drops | undefined
  readonly qdisc: RootQdisc | undefined
}

export interface Snapshot {
  /** Monotonic, milliseconds. */
  readonly atMs: number
  /** By interface name. */
  readonly nics: ReadonlyMap<string, NicReading>
  readonly interrupts: InterruptCounts
  /** By `cpuN`. */
  readonly cpus: ReadonlyMap<string, CpuTicks>
  readonly softirqs: ReturnType<typeof parseNetSoftirqs>
  readonly softnet: ReadonlyMap<number, SoftnetCounts>
  readonly tcp: ReturnType<typeof parseTcpSegments>
  readonly flows: Flows
}

const SOCKET_FILES = ['tcp', 'tcp6', 'udp', 'udp6'] as const

/** Runs `ethtool -S` and `tc` once for each NIC; the rest is procfs. A file that is missing counts as empty. */
export async function readSnapshot(
  system: System,
  nics: readonly ObservedNic[],
  online: readonly number[],
): Promise<Snapshot> {
  const { paths } = system
  const read = (path: string): string => system.readText(path) ?? ''
  const own = await Promise.all(
    nics.map(async ({ name }) => {
      const [stats, qdisc] = await Promise.all([
        system.findTool('ethtool') === undefined ? '' : answer(system, 'ethtool', ['-S', name]),
        system.findTool('tc') === undefined
          ? ''
          : answer(system, 'tc', ['-s', '-j', 'qdisc', 'show', 'dev', name]),
      ])
      return { queues: parseQueueStats(stats), qdisc: parseRootQdisc(qdisc) }
    }),
  )
  const dev = read(paths.procNetDev)
  const none = { rxBytes: 0, rxPackets: 0, txBytes: 0, txPackets: 0 }
  return {
    atMs: performance.now(),
    nics: new Map(
      nics.map(({ name }, i) => [
        name,
        {
          counters: parseNicCounters(dev, name) ?? none,
          drops: parseDrops(dev, name),
          queues: own[i]?.queues ?? new Map(),
          qdisc: own[i]?.qdisc,
        },
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
