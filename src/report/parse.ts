/** Parsers for the procfs and ethtool texts that the report compares. Pure; each states how it handles malformed lines. */
import { parseWholeNumber } from '../text/numbers'

/** NET_RX and NET_TX of /proc/softirqs, by CPU number; CPUs are those of the header (possible ones, not only online). */
export function parseNetSoftirqs(
  text: string,
): ReadonlyMap<number, { readonly rx: number; readonly tx: number }> {
  const [header, ...lines] = text.split('\n') as [string, ...string[]]
  const cpus = [...header.matchAll(/\bCPU(\d+)\b/g)].map((match) => Number(match[1]))
  const row = (name: string): (number | undefined)[] => {
    const line = lines.find((line) => line.trimStart().startsWith(`${name}:`))
    return line === undefined ? [] : line.trim().split(/\s+/).slice(1).map(parseWholeNumber)
  }
  const rx = row('NET_RX')
  const tx = row('NET_TX')
  return new Map(cpus.map((cpu, i) => [cpu, { rx: rx[i] ?? 0, tx: tx[i] ?? 0 }]))
}

export interface SoftnetCounts {
  readonly processed: number
  /** Backlog overflow. */
  readonly dropped: number
  /** time_squeeze: net_rx_action ran out of budget or time with work left. */
  readonly squeezed: number
}

/**
 * /proc/net/softnet_stat by CPU: hexadecimal columns processed, dropped, time_squeeze ... Since 5.10 the 13th is the CPU
 * number; before, offline CPUs have no line and the lines are those of the online ones.
 */
export function parseSoftnet(text: string, online: readonly number[]): ReadonlyMap<number, SoftnetCounts> {
  const result = new Map<number, SoftnetCounts>()
  for (const [index, line] of text.trim().split('\n').entries()) {
    const fields = line.trim().split(/\s+/)
    if (!fields.every((field) => /^[0-9a-f]{1,8}$/i.test(field))) continue
    const [processed, dropped = 0, squeezed = 0, ...rest] = fields.map((field) => Number.parseInt(field, 16))
    const cpu = rest[9] ?? online[index]
    if (cpu !== undefined && processed !== undefined) result.set(cpu, { processed, dropped, squeezed })
  }
  return result
}

const ESTABLISHED = '01'
/** 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/104 as the kernel prints them: 32-bit words in host order, little-endian. */
const LOOPBACK = /^(?:[0-9A-F]{6}7F|0{24}01000000|0{16}FFFF0000[0-9A-F]{6}7F)$/

/** Connected sockets of a /proc/net/{tcp,udp}{,6} whose peer is not this guest itself. */
export function countFlows(text: string): number {
  let flows = 0
  for (const match of text.matchAll(/^[ \t]*\d+: \S+ ([0-9A-F]+):[0-9A-F]{4} ([0-9A-F]{2}) /gm)) {
    if (match[2] === ESTABLISHED && !LOOPBACK.test(match[1] as string)) flows++
  }
  return flows
}

/**
 * Jain's index of fairness: 1 when all have the same, 1/n when one has all.
 * @returns undefined when there is nothing to share
 */
export function jainIndex(values: readonly number[]): number | undefined {
  const sum = values.reduce((total, value) => total + value, 0)
  const squares = values.reduce((total, value) => total + value * value, 0)
  return squares === 0 ? undefined : (sum * sum) / (values.length * squares)
}
