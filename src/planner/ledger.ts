/**
 * The ledger: each NIC's original values from before our first write, and what we applied last. It is under /run,
 * because the settings it describes do not survive a reboot either. Written before the first write to the NIC and
 * replaced atomically, so that `kill -9` at any point leaves either the old or the new one.
 */

import { fileError } from '../errors'
import type { ObservedGuest, ObservedNic, RegressionHold, SettingHold, TunableName } from '../model'
import type { System } from '../system/system'
import { recordValues } from '../tunables/engine'
import {
  type BeforeTrial,
  type Ledger,
  type LedgerEntry,
  parseLedger,
  type Unconfirmed,
} from './ledger-format'

export type { Ledger, LedgerEntry, Unconfirmed }

export function ledgerPath(system: System): string {
  return `${system.paths.runDir}/ledger.json`
}

/**
 * Reads the ledger of this boot; empty if there is none. From a damaged file, or one of an unknown version, whatever is
 * usable is used; `setAside` says what is not.
 * @throws VqtuneError kind state or permission if the file exists and cannot be read
 */
export function readLedger(system: System, bootId: string): Ledger {
  const empty: Ledger = { version: 2, bootId, entries: [] }
  const text = readText(system)
  if (text === undefined) return empty
  const ledger = parseLedger(text, ledgerPath(system))
  // Without a boot ID the boot of the rest is unknown.
  return ledger.bootId === bootId || ledger.bootId === '' ? { ...ledger, bootId } : empty
}

function readText(system: System): string | undefined {
  const path = ledgerPath(system)
  try {
    return system.readText(path)
  } catch (cause) {
    throw fileError(cause, path, 'cannot read the ledger')
  }
}

/** Replaces the file. @throws VqtuneError kind state or permission; the old file is then unchanged */
export function writeLedger(system: System, { setAside, ...ledger }: Ledger): void {
  const path = ledgerPath(system)
  try {
    if (setAside !== undefined) system.replaceFile(`${path}.aside`, system.readText(path) ?? '')
    system.replaceFile(path, `${JSON.stringify(ledger, undefined, 1)}\n`)
  } catch (cause) {
    throw fileError(cause, path, 'cannot write the ledger')
  }
}

/** The same NIC instance: a driver rebind or a replug gives a new interface index. */
export function entryOf(
  ledger: Pick<Ledger, 'entries'>,
  nic: Pick<ObservedNic, 'virtio' | 'ifindex'>,
): LedgerEntry | undefined {
  return ledger.entries.find((entry) => entry.virtio === nic.virtio && entry.ifindex === nic.ifindex)
}

/**
 * Records the originals of NICs that have none yet, and drops entries of devices that are gone. A NIC that is only not
 * visible, in another network namespace or being renamed, keeps its entry. Pure.
 */
export function withOriginals(
  ledger: Ledger,
  guest: Pick<ObservedGuest, 'nics' | 'devices'>,
  about: readonly ObservedNic[],
  at: string,
): Ledger {
  const living = ledger.entries.filter((entry) => !isGone(entry, guest))
  let result: Ledger = living.length === ledger.entries.length ? ledger : { ...ledger, entries: living }
  for (const nic of about) {
    const known = entryOf(result, nic)
    const earlier = known?.original ?? known?.firstSeen
    const now = recordValues(nic)
    const isWhole = Object.keys(now).every((tunable) => earlier?.[tunable] !== undefined)
    if (known?.original !== undefined && isWhole) continue
    // What was not read then, as rings while they are kept, has not been written either.
    const original = { ...now, ...earlier }
    // All else stays but what a new write ends. firstSeen lasts beyond the rollback that ends the originals.
    const { applied: _, held: __, heldWhy: ___, trial: ____, ...kept }: Partial<LedgerEntry> = known ?? {}
    result = replaceEntry(result, { ...kept, ...identityOf(nic), firstSeen: original, original, at })
  }
  return result
}

/** Records the values of NICs that are seen for the first time. Pure. */
export function withFirstSeen(ledger: Ledger, nics: readonly ObservedNic[], at: string): Ledger {
  return nics.reduce((result, nic) => {
    const known = entryOf(result, nic)
    if (!isNew(known)) return result
    return replaceEntry(result, { ...identityOf(nic), at, ...known, firstSeen: recordValues(nic) })
  }, ledger)
}

/** Whether nothing says yet what the NIC was like at first. */
export function isNew(entry: LedgerEntry | undefined): boolean {
  return (
    entry === undefined ||
    (entry.firstSeen === undefined && entry.original === undefined && entry.held !== true)
  )
}

/** What no rollback and no apply ends. */
function lasting(entry: LedgerEntry | undefined): Pick<LedgerEntry, 'firstSeen' | 'resumedMs'> {
  const { firstSeen, resumedMs } = entry ?? {}
  return {
    ...(firstSeen === undefined ? {} : { firstSeen }),
    ...(resumedMs === undefined ? {} : { resumedMs }),
  }
}

/** Tells the daemon that an administrator wants these NICs tuned again. Pure. */
export function withResumed(
  ledger: Ledger,
  nics: readonly ObservedNic[],
  at: string,
  resumedMs: number,
): Ledger {
  return nics.reduce(
    (result, nic) => replaceEntry(result, { ...identityOf(nic), at, ...entryOf(result, nic), resumedMs }),
    ledger,
  )
}

/** The device is gone, or has another interface: it was replugged or its driver rebound. */
function isGone(
  { virtio, ifindex }: LedgerEntry,
  { nics, devices }: Pick<ObservedGuest, 'nics' | 'devices'>,
): boolean {
  const shown = nics.find((nic) => nic.virtio === virtio)
  return shown === undefined ? devices.length > 0 && !devices.includes(virtio) : shown.ifindex !== ifindex
}

/**
 * Records that a trial is about to write to a NIC, and its originals if it has none. A held NIC stays held, and can be
 * rolled back to the values from before the trial. Pure.
 * @param before of what it varies besides channels; values that an earlier trial was killed before restoring are older
 */
export function withTrial(
  ledger: Ledger,
  guest: Pick<ObservedGuest, 'nics' | 'devices'>,
  nic: ObservedNic,
  at: string,
  before: BeforeTrial,
): Ledger {
  const held = entryOf(ledger, nic)?.held === true ? { held: true } : {}
  const recorded = withOriginals(ledger, guest, [nic], at)
  const known = entryOf(recorded, nic) as LedgerEntry
  const values = { ...before.values, ...known.beforeTrial?.values }
  const left = Object.keys(values).length === 0 ? {} : { beforeTrial: { ...before, values } }
  return replaceEntry(recorded, { ...known, ...held, trial: at, ...left })
}

/**
 * Records the NICs' current values as applied by us, and ends a killed trial. Pure.
 * @param unrestored NICs, by interface index, that still have to go back to the values from before it
 */
export function withApplied(
  ledger: Ledger,
  nics: readonly ObservedNic[],
  at: string,
  unrestored: ReadonlySet<number> = new Set(),
): Ledger {
  let result = ledger
  for (const nic of nics) {
    const known = entryOf(result, nic)
    if (known === undefined) continue
    const { trial: _, beforeTrial, ...kept } = known
    const left = beforeTrial !== undefined && unrestored.has(nic.ifindex) ? { beforeTrial } : {}
    result = replaceEntry(result, { ...kept, ...left, applied: recordValues(nic), at })
  }
  return result
}

/**
 * Holds NICs: they are not tuned until the hold ends. Originals stay, and what is unconfirmed: whoever holds a NIC may be killed
 * before it changes the channels. Pure.
 * @param heldWhy if it was not an administrator's rollback
 */
export function withHeld(ledger: Ledger, nics: readonly ObservedNic[], at: string, heldWhy?: string): Ledger {
  return nics.reduce((result, nic) => {
    const known = entryOf(result, nic)
    const { original, unconfirmed }: Partial<LedgerEntry> = known ?? {}
    return replaceEntry(result, {
      ...identityOf(nic),
      ...lasting(known),
      ...(original === undefined ? {} : { original }),
      ...(unconfirmed === undefined ? {} : { unconfirmed }),
      at,
      held: true,
      ...(heldWhy === undefined ? {} : { heldWhy }),
    })
  }, ledger)
}

/** The originals of NICs have been restored. Pure. */
export function withoutOriginals(ledger: Ledger, nics: readonly ObservedNic[]): Ledger {
  return nics.reduce((result, nic) => {
    const known = entryOf(result, nic)
    if (known?.original === undefined) return result
    const { original: _, ...rest } = known
    return replaceEntry(result, rest)
  }, ledger)
}

/** Ends the hold of NICs; an entry that says nothing else is dropped. Pure. */
export function withoutHold(ledger: Ledger, nics: readonly ObservedNic[]): Ledger {
  return nics.reduce((result, nic) => {
    const known = entryOf(result, nic)
    if (known?.held !== true) return result
    const { held: _, heldWhy: __, ...rest } = known
    const isEmpty = rest.original === undefined && rest.firstSeen === undefined
    return isEmpty ? withoutEntry(result, known) : replaceEntry(result, rest)
  }, ledger)
}

/** Records what the guard reduced, or removes it (undefined); `applied` stays. Pure. */
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

/** Records what the guard took back of a tunable other than channels, or removes it (undefined); `applied` stays. Pure. */
export function withSettingHold(
  ledger: Ledger,
  nic: Pick<ObservedNic, 'virtio' | 'ifindex'>,
  tunable: TunableName,
  hold: SettingHold | undefined,
): Ledger {
  const known = entryOf(ledger, nic)
  if (known === undefined) return ledger
  const { settingHolds = {}, ...rest } = known
  const { [tunable]: _, ...others } = settingHolds
  const holds = hold === undefined ? others : { ...others, [tunable]: hold }
  return replaceEntry(ledger, Object.keys(holds).length === 0 ? rest : { ...rest, settingHolds: holds })
}

/** Records a change of channels that is not confirmed yet, or that it is over (undefined). Pure. */
export function withUnconfirmed(
  ledger: Ledger,
  nic: Pick<ObservedNic, 'virtio' | 'ifindex'>,
  unconfirmed: Unconfirmed | undefined,
): Ledger {
  const known = entryOf(ledger, nic)
  if (known === undefined || (unconfirmed === undefined && known.unconfirmed === undefined)) return ledger
  const { unconfirmed: _, ...rest } = known
  return replaceEntry(ledger, unconfirmed === undefined ? rest : { ...rest, unconfirmed })
}

function withoutEntry(ledger: Ledger, entry: LedgerEntry): Ledger {
  return { ...ledger, entries: ledger.entries.filter((other) => other !== entry) }
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
