/**
 * Which CPUs belong to which queue pair where the driver itself selects the transmit queue, by CPU number: until Linux 3.12,
 * and in RHEL 7. There is nothing to choose: interrupts follow what it does.
 */
import type { CpuList, ObservedCpus, QueueGroup } from '../model'

/**
 * The CPUs that send through each queue, as virtnet_set_affinity() and virtnet_clean_affinity() of drivers/net/virtio_net.c
 * (3.10) fill vq_index: the n-th online CPU, from 0, has queue `n % channels` while the maximum is the number of online CPUs,
 * else queue `(n + 1) % channels`. Interrupts stay off isolated CPUs; a queue of isolated CPUs only has them on one of the pool.
 * @param channels 1..online CPUs
 * @param maximum queue pairs that the host exposed; undefined: unknown
 * @param pool CPUs that may take interrupts, ascending
 */
export function driverGroups(
  channels: number,
  maximum: number | undefined,
  pool: CpuList,
  { online }: ObservedCpus,
): QueueGroup[] {
  const shift = maximum === online.length ? 0 : 1
  const inPool = new Set(pool)
  return Array.from({ length: channels }, (_, queue) => {
    const xps = online.filter((_, n) => (n + shift) % channels === queue)
    const irq = xps.filter((cpu) => inPool.has(cpu))
    const substitute = pool[queue % pool.length]
    return { irq: irq.length > 0 || substitute === undefined ? irq : [substitute], xps }
  })
}
