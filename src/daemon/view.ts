/**
 * What the daemon shows of itself to `vqtune status`: a file that it replaces after each pass and removes when it ends.
 * One that was killed leaves it behind; so a reader first asks whether that very process is still there.
 */
import { rmSync } from 'node:fs'
import { type DriftRecord, isDriftRecord } from '../drift/history'
import { isObject } from '../ledger'
import type { Host } from '../system/host'

const SOURCE_STATES = ['starting', 'up', 'down'] as const

export interface SourceView {
  readonly name: string
  readonly state: (typeof SOURCE_STATES)[number]
  /** Why it is down. */
  readonly why: string | null
}

export interface LeftAlone {
  readonly nic: string
  /** The writer that is given way. */
  readonly rival: string
  /** ISO 8601; null: until an administrator decides. */
  readonly until: string | null
  readonly why: string
}

export interface DaemonView {
  readonly version: 1
  readonly bootId: string
  readonly pid: number
  /** Start of the process as the kernel counts it; with pid and boot it names one process for ever. */
  readonly startTicks: string
  /** ISO 8601 time of the last look at the guest. */
  readonly checkedAt: string
  readonly sources: readonly SourceView[]
  readonly leftAlone: readonly LeftAlone[]
  /** False when the last reload was refused. */
  readonly configValid: boolean
  /** What goes wrong now, one line each. */
  readonly troubles: readonly string[]
  /** The newest few, oldest first. */
  readonly recentDrift: readonly DriftRecord[]
}

function viewPath(host: Host): string {
  return `${host.paths.runDir}/status.json`
}

/** Who writes the view, for its reader to check. */
export function ownIdentity(host: Host): Pick<DaemonView, 'bootId' | 'pid' | 'startTicks'> {
  return {
    bootId: host.readText(host.paths.procBootId)?.trim() ?? '',
    pid: process.pid,
    startTicks: startTicksOf(host, process.pid) ?? '',
  }
}

/** @throws the system error */
export function writeView(host: Host, view: DaemonView): void {
  host.replaceFile(viewPath(host), `${JSON.stringify(view)}\n`)
}

export function removeView(host: Host): void {
  rmSync(viewPath(host), { force: true })
}

/** @returns the view of a daemon that lives; 'unknown' when this user may not see processes; undefined: none runs */
export function readView(host: Host): DaemonView | 'unknown' | undefined {
  const view = parseView(host)
  if (view === undefined || view.bootId !== host.readText(host.paths.procBootId)?.trim()) return undefined
  const ticks = startTicksOf(host, view.pid)
  if (ticks === view.startTicks) return view
  // hidepid=: other users' processes do not show, nor does that of the service manager.
  return ticks === undefined && !host.exists(`${host.paths.proc}/1`) ? 'unknown' : undefined
}

/** Damaged, or of another version, is none: it is only there to be shown. */
function parseView(host: Host): DaemonView | undefined {
  try {
    const value: unknown = JSON.parse(host.readText(viewPath(host)) ?? '')
    return isView(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isView(value: unknown): value is DaemonView {
  if (!isObject(value)) return false
  const { version, pid, bootId, startTicks, checkedAt, configValid } = value
  const { sources, leftAlone, troubles, recentDrift } = value
  return (
    version === 1 &&
    Number.isInteger(pid) &&
    [bootId, startTicks, checkedAt].every(isText) &&
    typeof configValid === 'boolean' &&
    isListOf(sources, isSource) &&
    isListOf(leftAlone, isLeftAlone) &&
    isListOf(troubles, isText) &&
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

function isLeftAlone(left: unknown): boolean {
  if (!isObject(left)) return false
  const { nic, rival, until, why } = left
  return [nic, rival, why].every(isText) && (until === null || isText(until))
}

function startTicksOf(host: Host, pid: number): string | undefined {
  try {
    return parseStartTicks(host.readText(`${host.paths.proc}/${pid}/stat`) ?? '')
  } catch {
    // The process ended between opening and reading.
    return undefined
  }
}

/** Field 22 of /proc/PID/stat. The second is the name in parentheses and may hold anything, also spaces and ')'. */
export function parseStartTicks(text: string): string | undefined {
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
}
