/** Network devices of the hypervisor: guests' taps, bridges, uplinks. */
import { type Links, requireLinks } from '../../kernel/ip-link'
import type { System } from '../../system/system'

/** undefined without iproute2. @throws VqtuneError kind tool-failed */
export async function hostLinks(system: System): Promise<Links | undefined> {
  return system.findTool('ip') === undefined ? undefined : requireLinks(system)
}

/** Taps and macvtaps: the host ends of the guests' NICs. */
export function guestTaps(links: Links): readonly string[] {
  return [...links.values()]
    .filter((link) => link.kind === 'tun' || link.kind === 'macvtap')
    .map((link) => link.name)
}

/** Kinds of guests' devices and of bridges: never an uplink of the hypervisor. */
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
export function uplinksOf(links: Links, targets: readonly string[]): readonly string[] {
  const all = [...links.values()]
  const guests = targets.flatMap((name) => links.get(name) ?? [])
  const bridges =
    targets.length > 0
      ? new Set(guests.flatMap((link) => link.master ?? []))
      : new Set(all.filter((link) => link.kind === 'bridge').map((link) => link.name))
  const members = all.filter(
    (link) => link.master !== undefined && bridges.has(link.master) && !INNER_KINDS.has(link.kind),
  )
  const lowers = guests.flatMap((link) =>
    link.kind === 'macvtap' && link.lower !== undefined ? [link.lower] : [],
  )
  return [...new Set([...members.map((link) => link.name), ...lowers])].sort()
}

/** Guests' taps by bridge, only bridges with at least two. */
export function sharedBridges(
  links: Links,
  targets: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const byBridge = new Map<string, string[]>()
  for (const link of links.values()) {
    if (link.master === undefined || !targets.includes(link.name)) continue
    byBridge.set(link.master, [...(byBridge.get(link.master) ?? []), link.name])
  }
  return new Map([...byBridge].filter(([, taps]) => taps.length > 1))
}
