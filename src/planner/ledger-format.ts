/** The format of the ledger file, and how files of other versions and damaged ones are read. Pure. */
import type { ProcessIdentity } from '../kernel/process-identity'
import type { RecordedValues, RegressionHold, SettingHolds } from '../model'
import { isRecordedValue } from '../tunables/engine'
import { irqKey } from '../tunables/irq-affinity'
import { queueKey } from '../tunables/queue-files'

/**
 * A change of channels that is not confirmed yet. It is in the ledger from before the write, so that whoever comes next can
 * end it when its watcher was killed.
 */
export interface Unconfirmed {
  /** The last confirmed values, to which the NIC goes back. */
  readonly confirmed: RecordedValues
  /** Those just before the latest change, where an earlier one was not confirmed either. */
  readonly before?: RecordedValues
  /** What could be lost; absent as in Connectivity (src/confirm/connectivity.ts). */
  readonly carrier?: boolean
  readonly gateway?: string
  readonly neighbour?: string
  /** ISO 8601, for people. */
  readonly until: string
  /** The same in milliseconds since boot: that clock cannot be set. */
  readonly untilMs: number
  readonly watcher: ProcessIdentity
  /** Connectivity was lost: it is being reverted to `confirmed`. One clause. */
  readonly lost?: string
}

/** For whoever comes after a trial that was killed. */
export interface BeforeTrial {
  readonly values: RecordedValues
  /** The trial. While it runs it restores them itself. */
  readonly by: ProcessIdentity
}

export interface LedgerEntry {
  readonly virtio: string
  readonly ifindex: number
  /** Interface name when recorded; a rename does not matter. */
  readonly name: string
  readonly mac: string
  /** When this instance of the NIC was first seen: what boot or the plugging gave, before anybody drifted. */
  readonly firstSeen?: RecordedValues
  /** Before our first write; absent after a rollback. */
  readonly original?: RecordedValues
  /** The NIC's values after our last complete run; absent if it was interrupted. */
  readonly applied?: RecordedValues
  /** ISO 8601 time of the last change of this entry. */
  readonly at: string
  /** True after a rollback: only an explicit `vqtune apply` tunes this NIC again before the next boot. */
  readonly held?: boolean
  /** ISO 8601 start time of a trial that has not restored everything: it is running, or was killed. */
  readonly trial?: string
  /** What that trial varies besides channels; it stays until all of it is as before. */
  readonly beforeTrial?: BeforeTrial
  /** Why it is held, if not by an administrator's rollback: one clause. */
  readonly heldWhy?: string
  /** What the guard reduced. */
  readonly regressionHold?: RegressionHold
  /** What it took back of other tunables. */
  readonly settingHolds?: SettingHolds
  readonly unconfirmed?: Unconfirmed
  /** When an administrator's apply last ended a suspension of the daemon, milliseconds since boot. */
  readonly resumedMs?: number
}

export interface Ledger {
  readonly version: 2
  /** Entries of another boot describe settings that no longer exist. */
  readonly bootId: string
  readonly entries: readonly LedgerEntry[]
  /** Why the file, or part of it, could not be used: one line. The next write keeps a copy of that file. */
  readonly setAside?: string
}

/**
 * @param path for the message
 * @returns what could be used; `bootId` is empty if the file has none
 */
export function parseLedger(text: string, path: string): Ledger {
  const nothing = (why: string): Ledger => ({
    version: 2,
    bootId: '',
    entries: [],
    setAside: `${path}: ${why}: set aside, the original values in it cannot be restored`,
  })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return nothing('invalid JSON')
  }
  if (!isObject(value) || typeof value.bootId !== 'string' || !Array.isArray(value.entries)) {
    return nothing('not a ledger')
  }
  const { bootId } = value
  const entries = value.entries.map(currentEntry).filter((entry) => entry !== undefined)
  const lost = value.entries.length - entries.length
  const unwatched = value.entries.filter((entry) => isObject(entry) && hasDamagedWindow(entry)).length
  if (lost > 0) {
    const setAside = `${path}: ${lost} of ${value.entries.length} entries cannot be used: set aside, the original values in them cannot be restored`
    return { version: 2, bootId, entries, setAside }
  }
  const untold = value.entries.filter((entry) => isObject(entry) && hasDamagedTrial(entry)).length
  if (unwatched > 0) {
    const setAside = `${path}: ${unwatched} unconfirmed changes of channels cannot be used: set aside, these channels are kept`
    return { version: 2, bootId, entries, setAside }
  }
  if (untold > 0) {
    const setAside = `${path}: values from before ${untold} killed trials cannot be used: set aside, vqtune rollback restores older ones`
    return { version: 2, bootId, entries, setAside }
  }
  return { version: 2, bootId, entries }
}

function hasDamagedTrial({ beforeTrial }: Readonly<Record<string, unknown>>): boolean {
  return beforeTrial !== undefined && !isBeforeTrial(beforeTrial)
}

function hasDamagedWindow({ unconfirmed }: Readonly<Record<string, unknown>>): boolean {
  return unconfirmed !== undefined && !isUnconfirmed(unconfirmed)
}

function currentEntry(entry: unknown): LedgerEntry | undefined {
  if (!isObject(entry)) return undefined
  const { original, applied, steppedBack, unconfirmed, beforeTrial, ...rest } = entry
  const upgraded = {
    ...rest,
    // Without it the channels are kept; the originals are worth more than that.
    ...(isUnconfirmed(unconfirmed) ? { unconfirmed } : {}),
    ...(isBeforeTrial(beforeTrial) ? { beforeTrial } : {}),
    ...(original === undefined ? {} : { original: currentValues(original) }),
    ...(applied === undefined ? {} : { applied: currentValues(applied) }),
    ...(isObject(steppedBack) ? { regressionHold: currentHold(steppedBack) } : {}),
  }
  return isEntry(upgraded) ? upgraded : undefined
}

function currentHold({ proven, ...hold }: Readonly<Record<string, unknown>>): object {
  return { ...hold, confirmed: proven }
}

/** Version 1 had a channel count and a list of queues. */
function currentValues(values: unknown): unknown {
  if (!isObject(values) || !Array.isArray(values.queues)) return values
  const irq: Record<string, unknown> = {}
  const xps: Record<string, unknown> = {}
  for (const [index, queue] of values.queues.entries()) {
    if (!isObject(queue)) return null
    if (queue.rx !== undefined) irq[irqKey(index, 'rx')] = queue.rx
    if (queue.tx !== undefined) irq[irqKey(index, 'tx')] = queue.tx
    if (queue.xps !== undefined) xps[queueKey(index)] = queue.xps
  }
  return { channels: { combined: String(values.channels) }, 'irq-affinity': irq, xps }
}

function isEntry(entry: Record<string, unknown>): entry is Record<string, unknown> & LedgerEntry {
  return (
    typeof entry.virtio === 'string' &&
    Number.isInteger(entry.ifindex) &&
    typeof entry.name === 'string' &&
    typeof entry.mac === 'string' &&
    typeof entry.at === 'string' &&
    (entry.held === undefined || typeof entry.held === 'boolean') &&
    (entry.trial === undefined || typeof entry.trial === 'string') &&
    (entry.heldWhy === undefined || typeof entry.heldWhy === 'string') &&
    (entry.regressionHold === undefined || isRegressionHold(entry.regressionHold)) &&
    (entry.settingHolds === undefined || isSettingHolds(entry.settingHolds)) &&
    (entry.firstSeen === undefined || isRecordedValues(entry.firstSeen)) &&
    (entry.resumedMs === undefined || Number.isFinite(entry.resumedMs)) &&
    (entry.original === undefined || isRecordedValues(entry.original)) &&
    (entry.applied === undefined || isRecordedValues(entry.applied))
  )
}

function isUnconfirmed(value: unknown): value is Unconfirmed {
  if (!isObject(value)) return false
  const { confirmed, before, carrier, gateway, neighbour, until, untilMs, watcher, lost } = value
  return (
    isRecordedValues(confirmed) &&
    (before === undefined || isRecordedValues(before)) &&
    (carrier === undefined || typeof carrier === 'boolean') &&
    [gateway, neighbour, lost].every((text) => text === undefined || typeof text === 'string') &&
    typeof until === 'string' &&
    Number.isFinite(untilMs) &&
    isProcess(watcher)
  )
}

function isBeforeTrial(value: unknown): value is BeforeTrial {
  return isObject(value) && isRecordedValues(value.values) && isProcess(value.by)
}

function isProcess(value: unknown): value is ProcessIdentity {
  return isObject(value) && Number.isInteger(value.pid) && typeof value.startTicks === 'string'
}

function isRegressionHold(value: unknown): value is RegressionHold {
  if (!isObject(value)) return false
  return isGuardHold(value) && isCount(value.from) && isCount(value.to)
}

function isSettingHolds(value: unknown): value is SettingHolds {
  return (
    isObject(value) &&
    Object.entries(value).every(
      ([tunable, hold]) =>
        isObject(hold) && isGuardHold(hold) && isRecordedValues({ [tunable]: hold.values }),
    )
  )
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1
}

/** What all holds of the guard have in common. */
function isGuardHold({
  confirmed,
  vcpus,
  maximum,
  policy,
  why,
  at,
}: Readonly<Record<string, unknown>>): boolean {
  return (
    isCount(vcpus) &&
    (maximum === undefined || Number.isInteger(maximum)) &&
    typeof confirmed === 'boolean' &&
    [policy, why, at].every((text) => typeof text === 'string')
  )
}

/** Checks the form of the values; tunables that this version does not know are kept. */
export function isRecordedValues(values: unknown): values is RecordedValues {
  return (
    isObject(values) &&
    Object.entries(values).every(
      ([tunable, recorded]) =>
        isObject(recorded) &&
        Object.values(recorded).every((text) => typeof text === 'string' && isRecordedValue(tunable, text)),
    )
  )
}

/** An object that is not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
