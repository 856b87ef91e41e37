/** The drift history: one JSON object per line in the state directory, kept across reboots and bounded in size. */
import { fileError } from '../errors'
import { appendLine, readNewestLines } from '../system/line-log'
import type { System } from '../system/system'
import { DRIFT_KINDS, type DriftKind } from './classify'

/** What was done about a drift. */
export const DRIFT_ACTIONS = [
  /** Set back to the desired state. */
  'repaired',
  /** Nothing had to be written: the guest is as desired with it, or returned by itself. */
  'accepted',
  /** Not repaired, by on-conflict. */
  'reported',
  'yielded',
  /** Suspended for a time, after too many reversals. */
  'backed-off',
  /** Writes did not reach the desired state. */
  'failed',
] as const

/** Actions of vqtune itself: these records are not drift. */
export const OWN_ACTIONS = [
  /** The NIC lost connectivity with the new channels, and they were reverted. */
  'reverted',
  /** Throughput was lower with the new channels or values, and the guard took them back. */
  'guard-reduced',
  /** irqbalance was asked to leave interrupts alone. */
  'asked',
  /** irqbalance may move them again. */
  'given-back',
] as const

export type DriftAction = (typeof DRIFT_ACTIONS)[number] | (typeof OWN_ACTIONS)[number]

/** Kinds of records that are not drift. */
export const OWN_KINDS = [
  /** What irqbalance was asked for. */
  'irqbalance',
] as const

const KINDS: ReadonlySet<string> = new Set([...DRIFT_KINDS, ...OWN_KINDS])
const ACTIONS: ReadonlySet<string> = new Set([...DRIFT_ACTIONS, ...OWN_ACTIONS])

export interface DriftRecord {
  /** ISO 8601, UTC: when vqtune noticed it. */
  readonly at: string
  readonly kind: DriftKind
  /** Interface name; null for the guest as a whole. */
  readonly nic: string | null
  readonly old: string
  readonly new: string
  readonly writer: string
  /** Evidence for the writer. */
  readonly evidence: string
  readonly action: DriftAction
  /** Why this action; empty if obvious. */
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
  /** Lines that are not records: truncated by a crash, or not ours. */
  readonly damaged: number
}

/** Enough for several hundred records. */
const NEWEST_BYTES = 64 * 1024

/** The newest records, oldest first, at most several hundred. @throws the system error if they cannot be read */
export function readNewestHistory(system: System): readonly DriftRecord[] {
  return parseHistory(readNewestLines(historyPath(system), NEWEST_BYTES)).records
}

/** @throws VqtuneError kind state or permission if the file exists and cannot be read */
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
  // Most lines that are not ours, without the cost of an exception each.
  if (!line.startsWith('{')) return undefined
  let fields: Readonly<Record<string, unknown>>
  try {
    fields = JSON.parse(line)
  } catch {
    return undefined
  }
  return isDriftRecord(fields) ? fields : undefined
}

/** True if all fields of a record exist and have the right type. */
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
 * A point in time: ISO 8601 (`2026-03-01`, `2026-03-01T10:00`), or an age: `90m`, `24h`, `7d`.
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
  // Date.parse takes a date alone as midnight UTC; local midnight is meant.
  const at = Date.parse(text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T'))
  return Number.isNaN(at) ? undefined : at
}
