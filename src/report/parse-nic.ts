/** Parsers for what ethtool, tc and procfs tell of one NIC besides its traffic. Pure; what is malformed counts as not told. */
import { netDevColumns } from '../kernel/counters'

/** The offloads that decide how many packets a byte stream takes, by their names in `ethtool -k`. */
export const OFFLOADS = [
  'rx-checksumming',
  'tx-checksumming',
  'tcp-segmentation-offload',
  'generic-receive-offload',
] as const
export type Offload = (typeof OFFLOADS)[number]

export interface Offloads {
  /** Off, and could be on. */
  readonly off: readonly Offload[]
  /** Off, and cannot be on: `[fixed]`, the host does not offer it. */
  readonly fixed: readonly Offload[]
}

/** `ethtool -k`. */
export function parseOffloads(text: string): Offloads {
  const state = (name: Offload): string | undefined =>
    new RegExp(`^${name}: (off(?: \\[fixed\\])?)`, 'm').exec(text)?.[1]
  return {
    off: OFFLOADS.filter((name) => state(name) === 'off'),
    fixed: OFFLOADS.filter((name) => state(name) === 'off [fixed]'),
  }
}

/** The qdisc at the root of the NIC. */
export interface RootQdisc {
  /** `mq`, `fq_codel`, `noqueue` ... */
  readonly kind: string
  /** Packets that the driver could not take, and that were put back. */
  readonly requeues: number
}

/** `tc -s -j qdisc show dev NIC`. @returns undefined when it cannot be told */
export function parseRootQdisc(text: string): RootQdisc | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!Array.isArray(value)) return undefined
  const root: unknown = value.find((one) => typeof one === 'object' && one !== null && one.root === true)
  if (root === undefined) return undefined
  const { kind, requeues } = root as { kind?: unknown; requeues?: unknown }
  if (typeof kind !== 'string') return undefined
  return { kind, requeues: typeof requeues === 'number' && requeues >= 0 ? requeues : 0 }
}

/** Packets that a NIC dropped since it came up, as /proc/net/dev counts them. */
export interface Drops {
  readonly rx: number
  readonly tx: number
}

/** The fourth column of each half of the NIC's line. @returns undefined if there is none */
export function parseDrops(text: string, nic: string): Drops | undefined {
  const columns = netDevColumns(text, nic) ?? []
  const [rx, tx] = [columns[3], columns[11]]
  return rx === undefined || tx === undefined ? undefined : { rx, tx }
}
