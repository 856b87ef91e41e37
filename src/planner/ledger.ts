/**
 * The ledger: each NIC's original values from before our first write, and what we applied last. It lives under /run:
 * the settings it describes are forgotten at reboot, and so is it. Written before the first write to the NIC and
 * replaced atomically, so that `kill -9` at any point leaves either the old or the new one.
 */
import { fileError, VqtuneError } from '../errors'
import { formatCpuList, parseCpuList } from '../kernel/cpulist'
import type { CpuList, ObservedGuest, ObservedNic, RegressionHold } from '../model'
import type { System } from '../system/system'

/** CPU lists are kept as text ("0-3"), as the kernel prints them, so that people can read the file. */
export interface RecordedQueue {
  readonly rx?: string
  readonly tx?: string
  readonly xps?: string
}

export interface RecordedValues {
  readonly channels: number
  /** By queue index. */
  readonly queues: readonly RecordedQueue[]
}

export interface LedgerEntry {
  readonly virtio: string
  readonly ifindex: number
  /** Interface name when recorded; a rename does not matter. */
  readonly name: string
  readonly mac: string
  /** Before our first write; absent after a rollback. */
  readonly original?: RecordedValues
  /** What the NIC showed when we were last done; absent when we were cut short. */
  readonly applied?: RecordedValues
  /** ISO 8601 time of the last change of this entry. */
  readonly at: string
  /** True after a rollback: only an explicit `vqtune apply` tunes this NIC again before the next boot. */
  readonly held?: boolean
  /** ISO 8601 time when a trial began that has not put everything back: it is at work, or was killed. */
  readonly trial?: string
  /** Why it is held, when it was not an administrator's rollback: one clause. */
  readonly heldWhy?: string
  /** What the guard stepped back from. */
  readonly regressionHold?: RegressionHold
}

export interface Ledger {
  readonly version: 1
  /** Entries of another boot describe settings that are gone. */
  readonly bootId: string
  readonly entries: readonly LedgerEntry[]
}

export function ledgerPath(system: System): string {
  return `${system.paths.runDir}/ledger.json`
}

/**
 * Reads the ledger of this boot; empty when there is none.
 * @throws VqtuneError kind state when the file is damaged: originals are not to be guessed
 */
export function readLedger(system: System, bootId: string): Ledger {
  const empty: Ledger = { version: 1, bootId, entries: [] }
  const text = readText(system)
  if (text === undefined) return empty
  const ledger = parseLedger(text, ledgerPath(system))
  return ledger.bootId === bootId ? ledger : empty
}

function readText(system: System): string | undefined {
  const path = ledgerPath(system)
  try {
    return system.readText(path)
  } catch (cause) {
    throw fileError(cause, path, 'cannot read the ledger')
  }
}

/** @throws VqtuneError kind state */
export function parseLedger(text: string, path: string): Ledger {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new VqtuneError('state', `${path}: not JSON; remove it to give up the recorded originals`, {
      cause,
    })
  }
  if (!isLedger(value)) {
    throw new VqtuneError(
      'state',
      `${path}: not a ledger of version 1; remove it to give up the recorded originals`,
    )
  }
  return value
}

function isLedger(value: unknown): value is Ledger {
  if (!isObject(value) || value.version !== 1 || typeof value.bootId !== 'string') return false
  return Array.isArray(value.entries) && value.entries.every(isEntry)
}

function isEntry(entry: unknown): entry is LedgerEntry {
  return (
    isObject(entry) &&
    typeof entry.virtio === 'string' &&
    Number.isInteger(entry.ifindex) &&
    typeof entry.name === 'string' &&
    typeof entry.mac === 'string' &&
    typeof entry.at === 'string' &&
    (entry.held === undefined || typeof entry.held === 'boolean') &&
    (entry.trial === undefined || typeof entry.trial === 'string') &&
    (entry.heldWhy === undefined || typeof entry.heldWhy === 'string') &&
    (entry.regressionHold === undefined || isRegressionHold(entry.regressionHold)) &&
    (entry.original === undefined || isRecordedValues(entry.original)) &&
    (entry.applied === undefined || isRecordedValues(entry.applied))
  )
}

function isRegressionHold(value: unknown): value is RegressionHold {
  if (!isObject(value)) return false
  const { from, to, confirmed, vcpus, maximum, policy, why, at } = value
  return (
    [from, to, vcpus].every((count) => Number.isInteger(count) && (count as number) >= 1) &&
    (maximum === undefined || Number.isInteger(maximum)) &&
    typeof confirmed === 'boolean' &&
    [policy, why, at].every((text) => typeof text === 'string')
  )
}

/** Values in the form of the ledger, whoever wrote them. */
export function isRecordedValues(values: unknown): values is RecordedValues {
  return (
    isObject(values) &&
    Number.isInteger(values.channels) &&
    (values.channels as number) >= 1 &&
    Array.isArray(values.queues) &&
    values.queues.every(
      (queue) =>
        isObject(queue) &&
        [queue.rx, queue.tx, queue.xps].every(
          (list) => list === undefined || (typeof list === 'string' && parseCpuList(list) !== undefined),
        ),
    )
  )
}

/** An object that is no array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Replaces the file. @throws VqtuneError kind state or permission; the old file is as it was then */
export function writeLedger(system: System, ledger: Ledger): void {
  const path = ledgerPath(system)
  try {
    system.replaceFile(path, `${JSON.stringify(ledger, undefined, 1)}\n`)
  } catch (cause) {
    throw fileError(cause, path, 'cannot write the ledger')
  }
}

/** The same NIC instance: a driver rebind or a new plug gives a new interface index. */
export function entryOf(
  ledger: Pick<Ledger, 'entries'>,
  nic: Pick<ObservedNic, 'virtio' | 'ifindex'>,
): LedgerEntry | undefined {
  return ledger.entries.find((entry) => entry.virtio === nic.virtio && entry.ifindex === nic.ifindex)
}

/** Records originals of the NICs that have none yet, and drops entries of NICs that are gone. Pure. */
export function withOriginals(
  ledger: Ledger,
  guest: Pick<ObservedGuest, 'nics'>,
  about: readonly ObservedNic[],
  at: string,
): Ledger {
  const living = ledger.entries.filter((entry) =>
    guest.nics.some((nic) => nic.virtio === entry.virtio && nic.ifindex === entry.ifindex),
  )
  let result: Ledger = { ...ledger, entries: living }
  for (const nic of about) {
    const known = entryOf(result, nic)
    if (known?.original !== undefined) continue
    result = replaceEntry(result, { ...identityOf(nic), original: valuesOf(nic), at })
  }
  return result
}

/**
 * Notes that a trial is about to write to a NIC: originals first, if it has none. A NIC that is held stays so, and can
 * be rolled back to what the trial found. Pure.
 */
export function withTrial(
  ledger: Ledger,
  guest: Pick<ObservedGuest, 'nics'>,
  nic: ObservedNic,
  at: string,
): Ledger {
  const held = entryOf(ledger, nic)?.held === true ? { held: true } : {}
  const recorded = withOriginals(ledger, guest, [nic], at)
  const known = entryOf(recorded, nic) as LedgerEntry
  return replaceEntry(recorded, { ...known, ...held, trial: at })
}

/** Notes what the NICs show now as applied by us; what a killed trial left is over then. Pure. */
export function withApplied(ledger: Ledger, nics: readonly ObservedNic[], at: string): Ledger {
  let result = ledger
  for (const nic of nics) {
    const known = entryOf(result, nic)
    if (known === undefined) continue
    const { trial: _, ...kept } = known
    result = replaceEntry(result, { ...kept, applied: valuesOf(nic), at })
  }
  return result
}

/**
 * Marks NICs as rolled back: originals are used up, and nobody tunes them until told. Pure.
 * @param heldWhy when it was not an administrator's rollback
 */
export function withHeld(ledger: Ledger, nics: readonly ObservedNic[], at: string, heldWhy?: string): Ledger {
  const held = { at, held: true, ...(heldWhy === undefined ? {} : { heldWhy }) }
  return nics.reduce((result, nic) => replaceEntry(result, { ...identityOf(nic), ...held }), ledger)
}

/** Ends the hold of NICs. Pure. */
export function withoutHold(ledger: Ledger, nics: readonly ObservedNic[]): Ledger {
  const released = (entry: LedgerEntry): boolean =>
    entry.held === true && nics.some((nic) => nic.virtio === entry.virtio && nic.ifindex === entry.ifindex)
  return { ...ledger, entries: ledger.entries.filter((entry) => !released(entry)) }
}

/** Notes, or with undefined forgets, what the guard stepped back from; `applied` stays as it was. Pure. */
export function withRegressionHold(
  ledger: Ledger,
  nic: Pick<ObservedNic, 'virtio' | 'ifindex'>,
  regressionHold: RegressionHold | undefined,
): Ledger {
  const known = entryOf(ledger, nic)
  if (known === undefined) return ledger
  const { regressionHold: _, ...rest } = known
  return replaceEntry(ledger, regressionHold === undefined ? rest : { ...rest, regressionHold })
}

function replaceEntry(ledger: Ledger, entry: LedgerEntry): Ledger {
  const others = ledger.entries.filter(
    (other) => other.virtio !== entry.virtio || other.ifindex !== entry.ifindex,
  )
  return { ...ledger, entries: [...others, entry] }
}

function identityOf(nic: ObservedNic): Pick<LedgerEntry, 'virtio' | 'ifindex' | 'name' | 'mac'> {
  return { virtio: nic.virtio, ifindex: nic.ifindex, name: nic.name, mac: nic.mac }
}

/** What a NIC shows, in the ledger's form. */
export function valuesOf(nic: ObservedNic): RecordedValues {
  return {
    channels: nic.channels.current,
    queues: nic.queues.map((queue) => ({
      ...text('rx', queue.rxIrq?.affinity),
      ...text('tx', queue.txIrq?.affinity),
      ...text('xps', queue.xps),
    })),
  }
}

function text<K extends keyof RecordedQueue>(
  key: K,
  cpus: CpuList | undefined,
): Pick<RecordedQueue, K> | object {
  return cpus === undefined ? {} : { [key]: formatCpuList(cpus) }
}
