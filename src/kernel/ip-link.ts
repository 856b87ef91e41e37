/** `ip -j -d link show`: what sysfs does not tell, for all interfaces in one call. */
import { VqtuneError } from '../errors'
import type { System, ToolResult } from '../system/system'
import { escapeControl } from '../text/escape'

export interface LinkFacts {
  readonly name: string
  readonly altnames: readonly string[]
  /** Only shown if it is not the current one. */
  readonly permanentMac: string | undefined
  /** An XDP program is attached in the driver; one in generic (skb) mode is above it, and the driver knows nothing of it. */
  readonly xdp: boolean
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
  /** A tap that stays without a process that has it open. */
  readonly persistent: boolean
}

export interface TapQueues {
  /** Queues that the guest's driver has enabled. */
  readonly active: number
  /** Queues that were offered and that the guest does not use. */
  readonly unused: number
}

/** By name, in the kernel's order. */
export type Links = ReadonlyMap<string, LinkFacts>

type Entry = Readonly<Record<string, unknown>>

/**
 * Entries of hidden interfaces may be empty objects. Old iproute2 has no altnames and prints xdp as an object with "mode".
 * @throws VqtuneError kind tool-failed when it is not the JSON of iproute2
 */
export function parseLinks(text: string): Links {
  return new Map(
    parseEntries(text).flatMap((entry): [string, LinkFacts][] => {
      const name = string(entry.ifname)
      return name === undefined ? [] : [[name, factsOf(name, entry)]]
    }),
  )
}

function parseEntries(text: string): readonly Entry[] {
  let entries: unknown
  try {
    // iproute2 leaves control characters in names as they are, except \b, \f, \n, \r and \t. In JSON they must not be.
    entries = JSON.parse(escapeControl(text))
  } catch (cause) {
    throw new VqtuneError(
      'tool-failed',
      'ip -j link show printed no JSON: iproute2 4.13 or newer is needed',
      {
        cause,
      },
    )
  }
  if (!Array.isArray(entries)) throw new VqtuneError('tool-failed', 'ip -j link show printed no list')
  return entries.filter(isRecord)
}

function factsOf(
  name: string,
  { altnames, permaddr, xdp, prog, master, link, link_type, linkinfo }: Entry,
): LinkFacts {
  const info = isRecord(linkinfo) ? linkinfo : {}
  const data = isRecord(info.info_data) ? info.info_data : {}
  return {
    name,
    altnames: Array.isArray(altnames) ? altnames.filter((other: unknown) => typeof other === 'string') : [],
    permanentMac: string(permaddr),
    xdp: isXdpInDriver(xdp, prog),
    master: string(master),
    lower: string(link),
    kind: string(info.info_kind),
    loopback: link_type === 'loopback',
    tapQueues: tapQueuesOf(data),
    multiQueue: typeof data.multi_queue === 'boolean' ? data.multi_queue : undefined,
    persistent: data.persist === true,
  }
}

/** IFLA_XDP_ATTACHED of include/uapi/linux/if_link.h. */
const XDP_MODE = { none: 0, generic: 2 }

/** Old iproute2 has no "mode" or prints "prog" beside "xdp": then it is taken to be in the driver. */
function isXdpInDriver(xdp: unknown, prog: unknown): boolean {
  if (!isRecord(xdp) || xdp.mode === XDP_MODE.none) return isRecord(prog)
  return xdp.mode !== XDP_MODE.generic
}

function tapQueuesOf(data: Entry): TapQueues | undefined {
  if (data.multi_queue !== true) return undefined
  const { numqueues: active, numdisabled: unused } = data
  return typeof active === 'number' && typeof unused === 'number' ? { active, unused } : undefined
}

function isRecord(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null
}

function string(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** All interfaces of this network namespace; none if iproute2 is missing, too old for JSON, or fails. */
export async function readLinks(system: System): Promise<Links> {
  if (system.findTool('ip') === undefined) return new Map()
  try {
    return await requireLinks(system)
  } catch (error) {
    if (error instanceof VqtuneError) return new Map()
    throw error
  }
}

/** As readLinks, for those who cannot do without. @throws VqtuneError kind tool-missing, tool-failed */
export async function requireLinks(system: System): Promise<Links> {
  const result = await askIp(system)
  if (result.code !== 0)
    throw new VqtuneError('tool-failed', `ip link: ${result.stderr.trim().split('\n')[0]}`)
  return parseLinks(result.stdout)
}

function askIp(system: System): Promise<ToolResult> {
  return system.run('ip', ['-j', '-d', 'link', 'show'])
}
