/**
 * What virtnet_set_affinity() (drivers/net/virtio_net.c, 4.19 and later) writes for interrupts and XPS of a queue when
 * channels change or a vCPU goes online or offline: consecutive groups of online CPUs, the first `n % count` one larger;
 * with more queues than CPUs, one CPU each, starting over after the last.
 */
import { formatCpuList } from '../kernel/cpulist'
import type { CpuList } from '../model'

/**
 * @param key starts with `queue N`
 * @returns the CPU list as text; undefined if the key names no queue
 */
export function kernelGroup(key: string, count: number, online: CpuList): string | undefined {
  const queue = Number(/^queue (\d+)/.exec(key)?.[1] ?? Number.NaN)
  if (Number.isNaN(queue) || online.length === 0) return undefined
  if (count > online.length) return formatCpuList(online.slice(queue % online.length).slice(0, 1))
  const stride = Math.floor(online.length / count)
  const stragglers = online.length % count
  const start = queue * stride + Math.min(queue, stragglers)
  return formatCpuList(online.slice(start, start + stride + (queue < stragglers ? 1 : 0)))
}
