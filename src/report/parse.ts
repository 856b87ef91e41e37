/** Parsers for the procfs and ethtool texts that the report compares. Pure; each states how it handles malformed lines. */
import { parseWholeNumber } from '../text/numbers'

/**
 * Counts of /proc/interrupts by action name (`virtio2-input.0`), one number for each online CPU in `cpus` order. The
 * header names the online CPUs; a line with fewer numbers (ERR, MIS) or without an action is left out.
 */
export interface InterruptCounts {
  readonly cpus: readonly number[]
  readonly byAction: ReadonlyMap<string, readonly number[]>
}

export function parseInterruptCounts(text: string): InterruptCounts {
  const [header, ...lines] = text.split('\n') as [string, ...string[]]
  const cpus = [...header.matchAll(/\bCPU(\d+)\b/g)].map((match) => Number(match[1]))
  const byAction = new Map<string, readonly number[]>()
  for (const line of lines) {
    const fields = line.trim().split(/\s+/)
    const action = fields.at(-1) as string
    // Of all lines on a guest with many vCPUs only ours are worth the numbers.
    if (!action.startsWith('virtio')) continue
    const counts = fields.slice(1, 1 + cpus.length).flatMap((field) => parseWholeNumber(field) ?? [])
    if (counts.length === cpus.length) byAction.set(action, counts)
  }
  return { cpus, byAction }
}

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

/** The counters of one queue in `ethtool -S`; undefined where this kernel has none (6.12 has kicks but no packets). */
export interface QueueStats {
  readonly rxPackets: number | undefined
  readonly txPackets: number | undefined
  readonly rxKicks: number | undefined
  readonly txKicks: number | undefined
}

/** By queue. Knows `rx_queue_0_packets` (up to 6.1) and `rx0_kicks` (later). */
export function parseQueueStats(text: string): ReadonlyMap<number, QueueStats> {
  const found = new Map<number, Record<string, number>>()
  for (const match of text.matchAll(
    /^[ \t]*(rx|tx)(?:_queue_)?(\d{1,5})_(packets|kicks):[ \t]*(\d{1,20})[ \t\r]*$/gm,
  )) {
    const [, direction = '', queue = '', what = '', value = ''] = match
    const own = found.get(Number(queue)) ?? {}
    own[`${direction}_${what}`] = Number(value)
    found.set(Number(queue), own)
  }
  return new Map(
    [...found].map(([queue, own]) => [
      queue,
      {
        rxPackets: own.rx_packets,
        txPackets: own.tx_packets,
        rxKicks: own.rx_kicks,
        txKicks: own.tx_kicks,
      },
    ]),
  )
}

/** TCP segments sent and retransmitted, of this network namespace (/proc/net/snmp); undefined if not available. */
export function parseTcpSegments(
  text: string,
): { readonly sent: number; readonly retransmitted: number } | undefined {
  const [names, values] = [...text.matchAll(/^Tcp: (.*)$/gm)].map((match) => (match[1] as string).split(' '))
  if (names === undefined || values === undefined) return undefined
  const value = (name: string): number | undefined => parseWholeNumber(values[names.indexOf(name)])
  const sent = value('OutSegs')
  const retransmitted = value('RetransSegs')
  return sent === undefined || retransmitted === undefined ? undefined : { sent, retransmitted }
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
