/** What each queue pair of a NIC did so far, from the counters that its kernel has. */
import type { ObservedNic } from '../model'
import type { System } from '../system/system'
import { type InterruptCounts, parseInterruptCounts } from './interrupt-counts'
import { type QueueStats, readQueueStats } from './queue-stats'

/** The counters of one queue pair, or how much they grew. */
export interface QueueActivity {
  /** Packets; where the kernel does not count them by queue (6.12), interrupts and refills. */
  readonly rx: number
  /** Packets; else notifications of the host, or interrupts. */
  readonly tx: number
}

/** By queue. Pure. */
export type Activity = ReadonlyMap<number, QueueActivity>

/** @param stats of `ethtool -S` */
export function queueActivity(
  { queues }: Pick<ObservedNic, 'queues'>,
  stats: ReadonlyMap<number, QueueStats>,
  interrupts: InterruptCounts,
): Activity {
  const arrived = (name: string | undefined): number =>
    (interrupts.byAction.get(name ?? '') ?? []).reduce((sum, count) => sum + count, 0)
  return new Map(
    queues.map(({ index, rxIrq, txIrq }) => {
      const { rxPackets, txPackets, rxKicks, txKicks } = stats.get(index) ?? {}
      const rx = rxPackets ?? arrived(rxIrq?.name) + (rxKicks ?? 0)
      return [index, { rx, tx: txPackets ?? txKicks ?? arrived(txIrq?.name) }]
    }),
  )
}

/** Runs `ethtool -S`. */
export async function readQueueActivity(
  system: System,
  nic: Pick<ObservedNic, 'name' | 'queues'>,
): Promise<Activity> {
  const stats = await readQueueStats(system, nic.name)
  return queueActivity(nic, stats, parseInterruptCounts(system.readText(system.paths.procInterrupts) ?? ''))
}
