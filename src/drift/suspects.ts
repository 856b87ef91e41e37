/** Programs in this guest that write our settings by themselves. Read from procfs, without a child process. */
import type { Host } from '../system/host'
import type { Suspect } from './attribute'

/**
 * irqbalance moves every interrupt it is not told to leave. Others (tuned, NetworkManager, udev .link files) write
 * channels once, when they start or a link comes up, so that they run proves nothing about one change.
 */
const MOVERS: ReadonlyMap<string, Pick<Suspect, 'writes'> & { readonly does: string }> = new Map([
  ['irqbalance', { writes: ['irq-affinity'], does: 'runs and moves interrupts' }],
])

/** @returns one entry for each program that runs */
export function readSuspects(host: Host): readonly Suspect[] {
  const found = new Map<string, Suspect>()
  for (const pid of host.list(host.paths.proc)) {
    if (!/^\d+$/.test(pid)) continue
    const name = processName(host, pid)
    const mover = name === undefined ? undefined : MOVERS.get(name)
    if (name === undefined || mover === undefined) continue
    found.set(name, {
      name,
      writes: mover.writes,
      nic: undefined,
      evidence: `${name} (process ${pid}) ${mover.does}`,
    })
  }
  return [...found.values()]
}

function processName(host: Host, pid: string): string | undefined {
  try {
    return host.readText(`${host.paths.proc}/${pid}/comm`)?.trim()
  } catch {
    // Ended while we looked (ESRCH), or hidden from us: then it cannot be named.
    return undefined
  }
}
