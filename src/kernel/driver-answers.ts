/**
 * What ethtool and sysfs tell of what virtio_net can do in this kernel. It is looked at, not concluded from a version: RHEL's
 * kernels have what others of that number lack. For people only: it runs four programs for a NIC.
 */
import type { Rings } from '../model'
import type { System } from '../system/system'
import { parseRings } from './rings'

/** undefined: could not be asked, or says what no known version says. */
export type Answer<T> = T | 'unsupported' | undefined

export interface DriverAnswers {
  /** `ethtool -g` */
  readonly rings: Answer<Rings>
  /** `ethtool -c`: the settings that have a value. */
  readonly coalescing: Answer<readonly string[]>
  /** `ethtool -S` */
  readonly counters: Answer<QueueCounterNames>
  /** ethtool and kernel talk netlink, so that the kernel also tells `ethtool --monitor` of changes. */
  readonly netlink: boolean | undefined
  /** The driver has a callback for vCPUs that go online. */
  readonly followsVcpus: boolean | undefined
}

export interface QueueCounterNames {
  /** `rx_queue_0_...` up to 6.9 or so and on RHEL 8 and 9, `rx0_...` since. */
  readonly spelling: 'rx_queue_N' | 'rxN'
  /** False where packets have moved to the netdev family of netlink. */
  readonly packets: boolean
}

export async function readDriverAnswers(system: System, nic: string): Promise<DriverAnswers> {
  const [rings, coalescing, counters, netlink] = await Promise.all([
    ask(system, ['-g', nic], parseRings),
    ask(system, ['-c', nic], parseCoalescing),
    ask(system, ['-S', nic], parseQueueCounterNames),
    ask(system, ['-l', nic], usesNetlink),
  ])
  return {
    rings,
    coalescing,
    counters,
    netlink: netlink === 'unsupported' ? undefined : netlink,
    followsVcpus: hasVcpuCallback(system.readText(system.paths.sysCpuHotplugStates)),
  }
}

async function ask<T>(
  system: System,
  args: readonly string[],
  parse: (text: string) => T | undefined,
): Promise<Answer<T>> {
  const result = await system.run('ethtool', args).catch(() => undefined)
  if (result === undefined) return undefined
  if (result.code === 0) return parse(result.stdout)
  return /not supported|no stats available/i.test(result.stderr) ? 'unsupported' : undefined
}

/** Parses `ethtool -c`: names as `ethtool -C` takes them, without those that are `n/a`. */
export function parseCoalescing(text: string): readonly string[] | undefined {
  if (!text.startsWith('Coalesce parameters for ')) return undefined
  const adaptive = (['RX', 'TX'] as const).filter((direction) =>
    new RegExp(`^Adaptive .*\\b${direction}: (?:on|off)`, 'm').test(text),
  )
  const numbers = [...text.matchAll(/^([a-z][a-z-]*):[ \t]+\d+[ \t\r]*$/gm)].map((row) => row[1] as string)
  return [...adaptive.map((direction) => `adaptive-${direction.toLowerCase()}`), ...numbers]
}

/** Parses the names in `ethtool -S`. */
export function parseQueueCounterNames(text: string): QueueCounterNames | undefined {
  const names = [...text.matchAll(/^[ \t]*rx(_queue_)?\d{1,5}_([a-z_]+):/gm)]
  const [first] = names
  if (first === undefined) return undefined
  return {
    spelling: first[1] === undefined ? 'rxN' : 'rx_queue_N',
    packets: names.some((name) => name[2] === 'packets'),
  }
}

/** Rows of `ethtool -l` that a NIC does not have are `n/a` by netlink (ethtool 5.8, Linux 5.6) and 0 by ioctl. */
export function usesNetlink(text: string): boolean | undefined {
  const row = /^RX:[ \t]+(n\/a|0)[ \t\r]*$/m.exec(text)
  return row === null ? undefined : row[1] === 'n/a'
}

/** Looks for virtnet_cpu_online() among the callbacks for vCPUs, which the kernel lists by name since 4.10. */
export function hasVcpuCallback(states: string | undefined): boolean | undefined {
  return states === undefined ? undefined : /^[ \t]*\d+: virtio\/net:online$/m.test(states)
}
