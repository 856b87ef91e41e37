/** The RSS indirection table: which receive queues the device spreads flows to. Only read where RSS is negotiated. */
import type { RssTable } from '../model'
import type { System } from '../system/system'

/**
 * Parses `ethtool -x`: rows of queue numbers behind `    8:`. In the default (ethtool_rxfh_indir_default(),
 * include/linux/ethtool.h), entry i is i modulo the number of queues; `ethtool -X ... equal N` makes the same for N.
 * @returns undefined when there is no table
 */
export function parseRssTable(text: string): RssTable | undefined {
  const table: number[] = []
  for (const [, row = ''] of text.matchAll(/^[ \t]*\d+:((?:[ \t]+\d{1,5})+)[ \t\r]*$/gm)) {
    for (const cell of row.trim().split(/\s+/)) table.push(Number(cell))
  }
  if (table.length === 0) return undefined
  const queues = table.reduce((most, queue) => Math.max(most, queue), 0) + 1
  const size = table.length
  if (table.every((queue, entry) => queue === entry % queues)) return { size, spread: { equal: queues } }
  const counts = new Map<number, number>()
  for (const queue of table) counts.set(queue, (counts.get(queue) ?? 0) + 1)
  return { size, spread: { entries: [...counts].sort(([a], [b]) => a - b) } }
}

/** @returns 'none' where the driver has no table; 'unknown' when ethtool fails or cannot be asked */
export async function readRssTable(system: System, nic: string): Promise<RssTable | 'none' | 'unknown'> {
  return system.run('ethtool', ['-x', nic]).then(
    ({ code, stdout, stderr }) =>
      parseRssTable(stdout) ?? (code === 0 || /not supported/i.test(stdout + stderr) ? 'none' : 'unknown'),
    () => 'unknown',
  )
}
