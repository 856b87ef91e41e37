/** Network devices of the hypervisor, as `ip -j -d link show` tells: taps, bridges, uplinks. */
import { VqtuneError } from '../../errors'
import { parseLinkEntries } from '../../kernel/ip-link'
import type { System } from '../../system/system'

export interface Link {
  readonly name: string
  /** Bridge, bond or ovs-system that it belongs to. */
  readonly master: string | undefined
  /** Lower device of a macvtap or VLAN. */
  readonly lower: string | undefined
  /** 'tun', 'macvtap', 'bridge', 'bond', 'veth' ...; undefined for hardware. */
  readonly kind: string | undefined
  readonly loopback: boolean
  /** Only for a multi-queue tap. */
  readonly tapQueues: TapQueues | undefined
  /** Of a tap: made for several queues; undefined for anything else. */
  readonly multiQueue: boolean | undefined
  /** A tap that stays without anybody who has it open. */
  readonly persistent: boolean
}

export interface TapQueues {
  /** Queues that the guest's driver has enabled. */
  readonly active: number
  /** Queues that were offered and that the guest does not use. */
  readonly unused: number
}

/** undefined without iproute2. @throws VqtuneError when ip fails. */
export async function readLinks(system: System): Promise<readonly Link[] | undefined> {
  if (system.findTool('ip') === undefined) return undefined
  const result = await system.run('ip', ['-j', '-d', 'link', 'show'])
  if (result.code !== 0)
    throw new VqtuneError('tool-failed', `ip link: ${result.stderr.trim().split('\n')[0]}`)
  return parseLinks(result.stdout)
}

/** @throws VqtuneError when it is not the JSON of iproute2. */
export function parseLinks(text: string): readonly Link[] {
  return parseLinkEntries(text).flatMap(parseLink)
}

function parseLink(link: Raw): Link[] {
  const name = string(link.ifname)
  if (name === undefined) return []
  const info = record(link.linkinfo)
  const data = record(info.info_data)
  const active = data.numqueues
  const unused = data.numdisabled
  return [
    {
      name,
      master: string(link.master),
      lower: string(link.link),
      kind: string(info.info_kind),
      loopback: link.link_type === 'loopback',
      tapQueues:
        data.multi_queue === true && typeof active === 'number' && typeof unused === 'number'
          ? { active, unused }
          : undefined,
      multiQueue: typeof data.multi_queue === 'boolean' ? data.multi_queue : undefined,
      persistent: data.persist === true,
    },
  ]
}

/** Kinds that carry guests, or that are the bridge itself: never the way out of the hypervisor. */
const INNER_KINDS: ReadonlySet<string | undefined> = new Set([
  'tun',
  'macvtap',
  'bridge',
  'veth',
  'openvswitch',
])

/**
 * Devices through which guests leave this hypervisor: members of the guests' bridges and lower devices of
 * macvtaps. @param targets taps and macvtaps of guests; empty: every bridge counts.
 */
export function uplinksOf(links: readonly Link[], targets: readonly string[]): readonly string[] {
  const guests = links.filter((link) => targets.includes(link.name))
  const bridges =
    targets.length > 0
      ? new Set(guests.flatMap((link) => link.master ?? []))
      : new Set(links.filter((link) => link.kind === 'bridge').map((link) => link.name))
  const members = links.filter(
    (link) => link.master !== undefined && bridges.has(link.master) && !INNER_KINDS.has(link.kind),
  )
  const lowers = guests.flatMap((link) =>
    link.kind === 'macvtap' && link.lower !== undefined ? [link.lower] : [],
  )
  return [...new Set([...members.map((link) => link.name), ...lowers])].sort()
}

/** Guests' taps by bridge, only bridges with at least two. */
export function sharedBridges(
  links: readonly Link[],
  targets: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const byBridge = new Map<string, string[]>()
  for (const link of links) {
    if (link.master === undefined || !targets.includes(link.name)) continue
    byBridge.set(link.master, [...(byBridge.get(link.master) ?? []), link.name])
  }
  return new Map([...byBridge].filter(([, taps]) => taps.length > 1))
}

type Raw = Readonly<Record<string, unknown>>

function record(value: unknown): Raw {
  return typeof value === 'object' && value !== null ? (value as Raw) : {}
}

function string(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
