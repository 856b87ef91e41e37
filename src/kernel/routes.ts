/**
 * Default gateways, from /proc/net/route and /proc/net/ipv6_route: what `ip route show default` prints, without a program. The kernel's fib_route_seq_show() shows the
 * main table, ipv6_route_native_seq_show() all of them.
 */
import type { System } from '../system/system'

/** The gateway of a NIC by one address family. */
export type DefaultGateway =
  | { readonly known: true; readonly gateway: string | undefined }
  /** These files do not tell it: only `ip` does. */
  | { readonly known: false }

const NONE: DefaultGateway = { known: true, gateway: undefined }
const UNKNOWN: DefaultGateway = { known: false }

// include/uapi/linux/route.h
const RTF_UP = 0x1
const RTF_GATEWAY = 0x2
const RTF_REJECT = 0x200

/** Words of a line of /proc/net/route: Iface Destination Gateway Flags RefCnt Use Metric Mask. */
const V4 = /^(\S+)\s+0{8}\s+([0-9A-F]{8})\s+([0-9A-F]{4})\s+\d+\s+\d+\s+(\d+)\s+0{8}\s/gm

/**
 * The gateway with the lowest metric.
 * @param littleEndian of the guest: the file has addresses as the CPU reads them
 * @returns unknown for a route without an IPv4 gateway: it may have one by IPv6, which is not shown
 */
export function parseGateway4(text: string, nic: string, littleEndian: boolean): DefaultGateway {
  let best: { readonly metric: number; readonly gateway: string | undefined } | undefined
  for (const [, name, address = '', flags = '', metric = ''] of text.matchAll(V4)) {
    if (name !== nic || !isUp(Number.parseInt(flags, 16))) continue
    if (best !== undefined && best.metric <= Number(metric)) continue
    const hasGateway = (Number.parseInt(flags, 16) & RTF_GATEWAY) !== 0 && address !== '00000000'
    best = { metric: Number(metric), gateway: hasGateway ? formatV4(address, littleEndian) : undefined }
  }
  if (best === undefined) return NONE
  return best.gateway === undefined ? UNKNOWN : { known: true, gateway: best.gateway }
}

/** Destination, prefix length, source, its length, next hop, metric, counters, flags, device; all hexadecimal. */
const V6 =
  /^0{32} 00 0{32} 00 ([0-9a-f]{32}) ([0-9a-f]{8}) [0-9a-f]{8} [0-9a-f]{8} ([0-9a-f]{8})\s+(\S+)\s*$/gm

/**
 * The gateway of the default routes.
 * @returns unknown where several differ, since tables are not told apart
 */
export function parseGateway6(text: string, nic: string): DefaultGateway {
  const gateways = new Set<string>()
  for (const [, address = '', , flags = '', name] of text.matchAll(V6)) {
    const bits = Number.parseInt(flags, 16)
    if (name === nic && isUp(bits) && (bits & RTF_GATEWAY) !== 0) gateways.add(formatV6(address))
  }
  const [gateway] = gateways
  return gateways.size > 1 ? UNKNOWN : { known: true, gateway }
}

function isUp(flags: number): boolean {
  return (flags & RTF_UP) !== 0 && (flags & RTF_REJECT) === 0
}

function formatV4(hex: string, littleEndian: boolean): string {
  const bytes = [0, 2, 4, 6].map((at) => Number.parseInt(hex.slice(at, at + 2), 16))
  return (littleEndian ? bytes.reverse() : bytes).join('.')
}

/** As inet_ntop(3), and so `ip`, writes it: the longest run of zeros, of two or more, is `::`. */
function formatV6(hex: string): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    Number.parseInt(hex.slice(4 * i, 4 * i + 4), 16).toString(16),
  )
  let [from, length] = [0, 1]
  for (let start = 0; start < 8; start++) {
    let end = start
    while (groups[end] === '0') end++
    if (end - start > length) [from, length] = [start, end - start]
  }
  if (length < 2) return groups.join(':')
  return `${groups.slice(0, from).join(':')}::${groups.slice(from + length).join(':')}`
}

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** The default gateway of a NIC by IPv4, else by IPv6. Without IPv6 there is no second file. */
export function readGateway(system: System, nic: string): DefaultGateway {
  const { procNet } = system.paths
  const text = system.readText(`${procNet}/route`)
  const v4 = text === undefined ? UNKNOWN : parseGateway4(text, nic, IS_LITTLE_ENDIAN)
  if (!v4.known || v4.gateway !== undefined) return v4
  return parseGateway6(system.readText(`${procNet}/ipv6_route`) ?? '', nic)
}
