/** Per-queue counters of a NIC, as its driver tells them (ethtool -S). */
import type { System } from '../system/system'

/** The counters of one queue in `ethtool -S`; undefined where this kernel has none (6.12 has kicks but no packets). */
export interface QueueStats {
  readonly rxPackets: number | undefined
  readonly txPackets: number | undefined
  readonly rxKicks: number | undefined
  readonly txKicks: number | undefined
}

/** By queue. Knows `rx_queue_0_packets` (up to 6.1) and `rx0_kicks` (later). */
export function parseQueueStats(text: string): ReadonlyMap<number, QueueStats> {
  const found = new Map<number, Record<string, number>>()
  for (const match of text.matchAll(
    /^[ \t]*(rx|tx)(?:_queue_)?(\d{1,5})_(packets|kicks):[ \t]*(\d{1,20})[ \t\r]*$/gm,
  )) {
    const [, direction = '', queue = '', what = '', value = ''] = match
    const own = found.get(Number(queue)) ?? {}
    own[`${direction}_${what}`] = Number(value)
    found.set(Number(queue), own)
  }
  return new Map(
    [...found].map(([queue, own]) => [
      queue,
      {
        rxPackets: own.rx_packets,
        txPackets: own.tx_packets,
        rxKicks: own.rx_kicks,
        txKicks: own.tx_kicks,
      },
    ]),
  )
}

/** Runs `ethtool -S`. @returns empty if it fails or is not installed */
export async function readQueueStats(system: System, nic: string): Promise<ReadonlyMap<number, QueueStats>> {
  if (system.findTool('ethtool') === undefined) return new Map()
  const result = await system.run('ethtool', ['-S', nic])
  return result.code === 0 ? parseQueueStats(result.stdout) : new Map()
}
