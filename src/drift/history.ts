/** The drift history: one JSON object a line in the state directory, kept across reboots and bounded in size. */
import { fileError } from '../errors'
import { appendLine } from '../system/line-log'
import type { System } from '../system/system'
import { DRIFT_KINDS, type DriftKind } from './classify'

/** What was done about a drift. */
export const DRIFT_ACTIONS = [
  /** Set back to the desired state. */
  'repaired',
  /** Nothing had to be written: the guest is as desired with it, or settled by itself. */
  'accepted',
  /** Left as it is, by on-conflict. */
  'reported',
  'yielded',
  /** Given up for a time, after too many reversals. */
  'backed-off',
  /** Writing was tried and did not reach the desired state. */
  'failed',
] as const

/** What vqtune did by itself to channels that it had set: these records are of no drift. */
export const OWN_ACTIONS = [
  /** New channels had cut the NIC off, and those before returned. */
  'reverted',
  /** Traffic was worse with the new channels, and the guard returned to those before. */
  'guard-reduced',
] as const

export type DriftAction = (typeof DRIFT_ACTIONS)[number] | (typeof OWN_ACTIONS)[number]

const KINDS: ReadonlySet<string> = new Set(DRIFT_KINDS)
const ACTIONS: ReadonlySet<string> = new Set([...DRIFT_ACTIONS, ...OWN_ACTIONS])

export interface DriftRecord {
  /** ISO 8601, UTC: when vqtune saw it. */
  readonly at: string
  readonly kind: DriftKind
  /** Interface name; null for the guest as a whole. */
  readonly nic: string | null
  readonly old: string
  readonly new: string
  readonly writer: string
  /** What shows the writer. */
  readonly evidence: string
  readonly action: DriftAction
  /** Why this action; empty when it says it all. */
  readonly why: string
}

export function historyPath(system: System): string {
  return `${system.paths.stateDir}/drift.jsonl`
}

/** @throws VqtuneError kind state or permission */
export function appendHistory(system: System, record: DriftRecord, limitKib: number): void {
  const path = historyPath(system)
  try {
    appendLine(system, path, JSON.stringify(record), limitKib * 1024)
  } catch (cause) {
    throw fileError(cause, path, 'cannot write the drift history')
  }
}

export interface History {
  /** Oldest first. */
  readonly records: readonly DriftRecord[]
  /** Lines that are not records: torn by a crash, or somebody else's. */
  readonly damaged: number
}

/** @throws VqtuneError kind state or permission when the file exists and cannot be read */
export function readHistory(system: System): History {
  const path = historyPath(system)
  try {
    return parseHistory(system.readText(path) ?? '')
  } catch (cause) {
    throw fileError(cause, path, 'cannot read the drift history')
  }
}

/** Pure. */
export function parseHistory(text: string): History {
  const records: DriftRecord[] = []
  let damaged = 0
  for (const line of text.split('\n')) {
    if (line === '') continue
    const record = parseRecord(line)
    if (record === undefined) damaged++
    else records.push(record)
  }
  return { records, damaged }
}

function parseRecord(line: string): DriftRecord | undefined {
  // Most of what is not ours, without the cost of an exception for each line.
  if (!line.startsWith('{')) return undefined
  let fields: Readonly<Record<string, unknown>>
  try {
    fields = JSON.parse(line)
  } catch {
    return undefined
  }
  return isDriftRecord(fields) ? fields : undefined
}

/** Every field of a record is there and of its type. */
export function isDriftRecord(
  fields: Readonly<Record<string, unknown>>,
): fields is Readonly<Record<string, unknown>> & DriftRecord {
  const texts = ['at', 'old', 'new', 'writer', 'evidence', 'why']
  return (
    texts.every((key) => typeof fields[key] === 'string') &&
    (fields.nic === null || typeof fields.nic === 'string') &&
    !Number.isNaN(Date.parse(String(fields.at))) &&
    KINDS.has(fields.kind as string) &&
    ACTIONS.has(fields.action as string)
  )
}

/**
 * A point in time as people write it: ISO 8601 (`2026-03-01`, `2026-03-01T10:00`), or so long ago: `90m`, `24h`, `7d`.
 * @returns milliseconds since the epoch, or undefined
 */
export function parseSince(text: string, now: number): number | undefined {
  const ago = /^(\d{1,6})([smhd])$/.exec(text)
  if (ago !== null) {
    const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[ago[2] as 's' | 'm' | 'h' | 'd']
    return now - Number(ago[1]) * unitMs
  }
  if (!/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/.test(text))
    return undefined
  // A date alone would be midnight UTC to Date.parse; people mean their own midnight.
  const at = Date.parse(text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T'))
  return Number.isNaN(at) ? undefined : at
}
