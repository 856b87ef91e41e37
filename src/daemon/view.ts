/**
 * The daemon's state for `vqtune status`: a file that it replaces after each pass and removes when it ends. A daemon that
 * was killed leaves it behind, so a reader first checks that the very same process still exists.
 */
import { type DriftRecord, isDriftRecord } from '../drift/history'
import { readBootId } from '../kernel/boot-id'
import { readStartTicks } from '../kernel/processes'
import { isObject } from '../planner/ledger-format'
import type { System } from '../system/system'

export const SOURCE_STATES = ['starting', 'up', 'down'] as const

export interface SourceView {
  readonly name: string
  readonly state: (typeof SOURCE_STATES)[number]
  /** Why it is down. */
  readonly why: string | null
}

export interface Suspension {
  readonly nic: string
  /** The writer that caused the suspension. */
  readonly otherWriter: string
  /** ISO 8601; null: until an administrator decides. */
  readonly until: string | null
  readonly why: string
}

export interface DaemonView {
  readonly version: 1
  readonly bootId: string
  readonly pid: number
  /** Start time of the process as the kernel counts it; with PID and boot id it identifies one process for good. */
  readonly startTicks: string
  /** ISO 8601 time of the last check of the guest. */
  readonly checkedAt: string
  readonly sources: readonly SourceView[]
  readonly suspended: readonly Suspension[]
  /** False if the last reload failed. */
  readonly configValid: boolean
  /** Current problems, one line each. */
  readonly problems: readonly string[]
  /** The newest few, oldest first. */
  readonly recentDrift: readonly DriftRecord[]
}

function viewPath(system: System): string {
  return `${system.paths.runDir}/status.json`
}

/** The identity of the writing process, for the reader to check. */
export function ownIdentity(system: System): Pick<DaemonView, 'bootId' | 'pid' | 'startTicks'> {
  return {
    bootId: readBootId(system),
    pid: process.pid,
    startTicks: readStartTicks(system, process.pid) ?? '',
  }
}

/** @throws the system error */
export function writeView(system: System, view: DaemonView): void {
  system.replaceFile(viewPath(system), `${JSON.stringify(view)}\n`)
}

export function removeView(system: System): void {
  system.removeFile(viewPath(system))
}

/** @returns the view of a running daemon; 'unknown' if this user may not see processes; undefined: none is running */
export function readView(system: System): DaemonView | 'unknown' | undefined {
  const view = parseView(system)
  if (view === undefined || view.bootId !== readBootId(system)) return undefined
  const ticks = readStartTicks(system, view.pid)
  if (ticks === view.startTicks) return view
  // hidepid=: other users' processes do not show, nor does that of the service manager.
  return ticks === undefined && !system.exists(`${system.paths.proc}/1`) ? 'unknown' : undefined
}

/** undefined if it is damaged or of another version: it only serves for display. */
function parseView(system: System): DaemonView | undefined {
  try {
    const value: unknown = JSON.parse(system.readText(viewPath(system)) ?? '')
    return isView(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isView(value: unknown): value is DaemonView {
  if (!isObject(value)) return false
  const { version, pid, bootId, startTicks, checkedAt, configValid } = value
  const { sources, suspended, problems, recentDrift } = value
  return (
    version === 1 &&
    Number.isInteger(pid) &&
    [bootId, startTicks, checkedAt].every(isText) &&
    typeof configValid === 'boolean' &&
    isListOf(sources, isSource) &&
    isListOf(suspended, isSuspension) &&
    isListOf(problems, isText) &&
    isListOf(recentDrift, (record) => isObject(record) && isDriftRecord(record))
  )
}

function isListOf(value: unknown, isMember: (member: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isMember)
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

function isSource(source: unknown): boolean {
  if (!isObject(source)) return false
  const { name, state, why } = source
  return isText(name) && SOURCE_STATES.includes(state as SourceView['state']) && (why === null || isText(why))
}

function isSuspension(left: unknown): boolean {
  if (!isObject(left)) return false
  const { nic, otherWriter, until, why } = left
  return [nic, otherWriter, why].every(isText) && (until === null || isText(until))
}
