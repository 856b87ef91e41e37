import { readFileSync } from 'node:fs'
import type { HostNetwork } from './host-network'

/** Ticks of this machine's CPUs: what they had in all, and what was neither idle nor waiting for a disk. */
function machineTicks(): { total: number; busy: number } {
  const values = (/^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '').split(' ').map(Number)
  // guest and guest_nice, the last two, are in user and nice already.
  const total = values.slice(0, 8).reduce((sum, value) => sum + value, 0)
  return { total, busy: total - (values[3] ?? 0) - (values[4] ?? 0) }
}

/** Ticks that the processes had so far, their ended children included. */
function ownTicks(pids: readonly string[]): number {
  let ticks = 0
  for (const pid of pids) {
    try {
      const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
      // The name may hold blanks; after it: state is the first field, utime, stime, cutime, cstime the 12th to 15th.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
      ticks += fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
    } catch {
      // It has ended, and counts as somebody else's.
    }
  }
  return ticks
}

/**
 * What share of this machine, 0..1, others had while the work ran: everything but the guest, what runs in its network
 * namespace, and this process. Time that a hypervisor took away counts, too.
 */
export async function shareOfOthers<T>(
  network: HostNetwork,
  work: () => Promise<T>,
): Promise<{ result: T; others: number }> {
  const own = async (): Promise<number> => ownTicks([String(process.pid), ...(await network.pids())])
  const [machineBefore, ownBefore] = [machineTicks(), await own()]
  const result = await work()
  const [machine, mine] = [machineTicks(), await own()]
  const busy = machine.busy - machineBefore.busy - (mine - ownBefore)
  return { result, others: Math.max(0, busy) / (machine.total - machineBefore.total) }
}
