/** The RSS indirection table: which receive queues the device spreads flows to. Only read where RSS is negotiated. */
import type { CpuList } from '../model'
import type { System } from '../system/system'

/**
 * Parses `ethtool -x`: rows of queue numbers behind `    8:`.
 * @returns the queues that occur, ascending; undefined when there is no table.
 */
export function parseRssQueues(text: string): CpuList | undefined {
  const queues = new Set<number>()
  for (const [, row = ''] of text.matchAll(/^[ \t]*\d+:((?:[ \t]+\d{1,5})+)[ \t\r]*$/gm)) {
    for (const cell of row.trim().split(/\s+/)) queues.add(Number(cell))
  }
  return queues.size === 0 ? undefined : [...queues].sort((a, b) => a - b)
}

/** @returns undefined when the NIC has no table or ethtool does not tell, or cannot be asked. */
export async function readRssQueues(system: System, nic: string): Promise<CpuList | undefined> {
  return system.run('ethtool', ['-x', nic]).then(
    ({ stdout }) => parseRssQueues(stdout),
    () => undefined,
  )
}
