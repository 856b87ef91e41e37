/**
 * Which CPUs belong to which queue pair. With one NIC and no isolated CPUs this is exactly what the kernel does in
 * virtnet_set_affinity() (4.19 and later): consecutive groups of online CPUs, the first `n % queues` one larger.
 */
import type { CpuList, ObservedCpus, QueueGroup } from '../model'

/** Cumulated share of queues by CPU number, over the NICs laid out so far. */
export type CpuLoad = Map<number, number>

/**
 * Lays out one NIC. The groups' irq lists are disjoint and cover `pool`; their xps lists are disjoint and cover all
 * online CPUs (isolated ones may still transmit, they only take no interrupts).
 * @param target 1..pool size
 * @param pool CPUs that may take interrupts, ascending
 * @param load updated with this NIC's share; so that the next NIC has its larger groups elsewhere
 */
export function layOut(target: number, pool: CpuList, cpus: ObservedCpus, load: CpuLoad): QueueGroup[] {
  const irqGroups = stripes(target, pool, leastLoadedShift(target, pool, load))
  for (const group of irqGroups) {
    for (const cpu of group) load.set(cpu, (load.get(cpu) ?? 0) + 1 / group.length)
  }
  const inPool = new Set(pool)
  const apart = cpus.online.filter((cpu) => !inPool.has(cpu))
  return irqGroups.map((irq, i) => {
    const guests = apart.filter((_, k) => k % target === i)
    return { irq, xps: [...irq, ...guests].sort((a, b) => a - b) }
  })
}

/**
 * Consecutive groups; groups shift .. shift + stragglers - 1 (modulo count) are one CPU larger. Shift 0 is the
 * kernel's own layout.
 */
export function stripes(count: number, pool: CpuList, shift: number): CpuList[] {
  const stride = Math.floor(pool.length / count)
  const stragglers = pool.length % count
  const groups: CpuList[] = []
  for (let i = 0, next = 0; i < count; i++) {
    const size = stride + ((i - shift + count) % count < stragglers ? 1 : 0)
    groups.push(pool.slice(next, next + size))
    next += size
  }
  return groups
}

/**
 * The shift that leaves the most loaded CPU least loaded; the smallest wins, so the first NIC always gets the
 * kernel's layout. Without stragglers all groups have the same size and all CPUs the same share.
 */
function leastLoadedShift(count: number, pool: CpuList, load: CpuLoad): number {
  if (pool.length % count === 0 || load.size === 0) return 0
  const peaks = Array.from({ length: count }, (_, shift) =>
    Math.max(
      ...stripes(count, pool, shift).flatMap((group) =>
        group.map((cpu) => (load.get(cpu) ?? 0) + 1 / group.length),
      ),
    ),
  )
  // Sums of fractions: a difference below this is rounding, not load.
  const least = Math.min(...peaks) + 1e-9
  return peaks.findIndex((peak) => peak < least)
}
