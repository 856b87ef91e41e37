/** How often each interrupt of a virtio device arrived, by CPU. Pure. */
import { parseWholeNumber } from '../text/numbers'

/**
 * Counts of /proc/interrupts by action name (`virtio2-input.0`), one number for each online CPU in `cpus` order. The
 * header names the online CPUs; a line with fewer numbers (ERR, MIS) or without an action is left out.
 */
export interface InterruptCounts {
  readonly cpus: readonly number[]
  readonly byAction: ReadonlyMap<string, readonly number[]>
}

export function parseInterruptCounts(text: string): InterruptCounts {
  const [header, ...lines] = text.split('\n') as [string, ...string[]]
  const cpus = [...header.matchAll(/\bCPU(\d+)\b/g)].map((match) => Number(match[1]))
  const byAction = new Map<string, readonly number[]>()
  for (const line of lines) {
    const fields = line.trim().split(/\s+/)
    const action = fields.at(-1) as string
    // Of all lines on a guest with many vCPUs only ours are worth the numbers.
    if (!action.startsWith('virtio')) continue
    const counts = fields.slice(1, 1 + cpus.length).flatMap((field) => parseWholeNumber(field) ?? [])
    if (counts.length === cpus.length) byAction.set(action, counts)
  }
  return { cpus, byAction }
}
