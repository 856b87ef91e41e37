/** The operations that the reconcile loop can carry out: apply, rollback, and the return to recorded values. */

import { needsIdentification } from '../config/match'
import type { Settings } from '../config/settings'
import { nicSettings } from '../config/settings'
import { readBootId } from '../kernel/boot-id'
import { readLinks } from '../kernel/ip-link'
import { readRings } from '../kernel/rings'
import type {
  CpuList,
  ObservedGuest,
  ObservedNic,
  Obstacle,
  RecordedValues,
  Skip,
  Step,
  TunableName,
} from '../model'
import type { System } from '../system/system'
import { uptimeMs } from '../system/uptime'
import { operand } from '../text/escape'
import { CHANNELS_KEY } from '../tunables/channels'
import { restoreSettings } from '../tunables/engine'
import { hasRings } from '../tunables/rings'
import type { NicTopology } from '../tunables/tunable'
import { nicByIndex } from './find-nic'
import { leftByTrials, needsRings } from './killed-trial'
import {
  entryOf,
  type Ledger,
  readLedger,
  withApplied,
  withFirstSeen,
  withHeld,
  withOriginals,
  withoutHold,
  withoutOriginals,
  withResumed,
  withUnconfirmed,
} from './ledger'
import { type ObserveOptions, observeGuest } from './observe'
import { type Exemptions, planGuest, type RegressionHolds, skipsOf, stepsOf } from './plan'
import type { Operation } from './reconcile'
import { regressionHoldsOf, withoutExpiredHolds } from './regression-hold'
import { maximumMatters } from './target'

export interface ApplyOptions {
  /** Only this NIC, by name; undefined: all. */
  readonly nic?: string | undefined
  /**
   * True for boot, udev and the daemon: a NIC that was rolled back is not tuned, and a count that the guard reduced is not
   * tried again. An administrator's apply ends both.
   */
  readonly respectHolds: boolean
  /** NICs not to tune for other reasons, by name. */
  readonly exemptions?: (guest: ObservedGuest) => Exemptions
  /** NICs that the daemon has suspended, by name: not tuned, but an administrator's apply tells the daemon to go on. */
  readonly suspended?: (guest: ObservedGuest) => Exemptions
}

/** The desired state of vqtune.toml. */
export function applyOperation(system: System, settings: Settings, options: ApplyOptions): Operation {
  const chosenOf = (guest: ObservedGuest): readonly ObservedNic[] =>
    guest.nics.filter(({ name }) => options.nic === undefined || name === options.nic)
  /** Whose holds an administrator's apply ends. */
  const released = (guest: ObservedGuest): readonly ObservedNic[] => {
    const exempt = options.exemptions?.(guest)
    return options.respectHolds ? [] : chosenOf(guest).filter(({ name }) => exempt?.has(name) !== true)
  }
  const resumed = (guest: ObservedGuest): readonly ObservedNic[] => {
    const suspended = options.suspended?.(guest)
    return released(guest).filter(({ name }) => suspended?.has(name) === true)
  }
  /** For NICs that are not chosen, all holds are respected. */
  const holding = (guest: ObservedGuest, ledger: Ledger): RegressionHolds => {
    const all = regressionHoldsOf(guest, ledger, settings)
    if (options.respectHolds) return all
    const chosen = new Set(chosenOf(guest).map(({ ifindex }) => ifindex))
    return new Map([...all].filter(([ifindex]) => !chosen.has(ifindex)))
  }
  /** Who may go back to what they were before a killed trial; once they have, the ledger says no more of it. */
  const tried = (guest: ObservedGuest, ledger: Ledger): readonly ObservedNic[] => {
    const left = leftByTrials(ledger)
    if (left.size === 0) return []
    const exempt = exemptionsOf(guest, ledger, options)
    return chosenOf(guest).filter(({ ifindex, name }) => left.has(ifindex) && !exempt.has(name))
  }
  const withHolding = (guest: ObservedGuest, ledger: Ledger): Ledger =>
    withoutExpiredHolds(ledger, guest, holding(guest, ledger))
  const unanswered = new Map<number, Obstacle>()
  return {
    purpose: 'apply',
    observe: (knownMaxima) =>
      observeGuest(system, {
        knownMaxima,
        unanswered,
        rssTable: true,
        rings: needsRings(system, settings.rules),
        // Only `ip` shows altnames, and the permanent address of a bond's port; without rules by these it is not run.
        links: (nics) => (needsIdentification(settings.rules, nics) ? readLinks(system) : undefined),
        needsMaximum: (nic, { cpus }) =>
          maximumMatters(nic, cpus, settings.isolated, nicSettings(settings, nic)),
      }),
    plan(guest, ledger) {
      const exemptions = exemptionsOf(guest, ledger, options)
      const left = leftByTrials(ledger)
      const plans = planGuest(guest, settings, exemptions, holding(guest, ledger), left).filter(
        ({ nic }) => options.nic === undefined || nic.name === options.nic,
      )
      return { steps: stepsOf(plans), skips: skipsOf(plans) }
    },
    pending: (ledger, guest) =>
      withHolding(guest, ledger) !== ledger ||
      resumed(guest).length > 0 ||
      tried(guest, ledger).length > 0 ||
      released(guest).some((nic) => entryOf(ledger, nic)?.held === true),
    prepare: (ledger, guest, nics, at) =>
      withFirstSeen(withOriginals(ledger, guest, nics, at), guest.nics, at),
    finish(ledger, guest, unfinished, at) {
      const chosen = chosenOf(guest)
      const done = released(guest).filter(({ ifindex }) => !unfinished.has(ifindex))
      const kept = withHolding(guest, ledger)
      const resumedNow = withResumed(withoutHold(kept, done), resumed(guest), at, uptimeMs())
      const exempt = exemptionsOf(guest, ledger, options)
      const unrestored = chosen.filter(({ ifindex, name }) => unfinished.has(ifindex) || exempt.has(name))
      return withApplied(resumedNow, chosen, at, new Set(unrestored.map(({ ifindex }) => ifindex)))
    },
  }
}

/** NICs held by a rollback, unless the command ends that, and those of the caller. */
export function exemptionsOf(guest: ObservedGuest, ledger: Ledger, options: ApplyOptions): Exemptions {
  const exempt = new Map(options.exemptions?.(guest))
  if (!options.respectHolds) return exempt
  for (const [name, why] of options.suspended?.(guest) ?? []) exempt.set(name, why)
  for (const nic of guest.nics) {
    const entry = entryOf(ledger, nic)
    if (entry?.held === true) {
      const what = entry.heldWhy === undefined ? 'rolled back' : `reverted: ${entry.heldWhy}`
      exempt.set(nic.name, {
        code: 'held',
        why: `${what}; vqtune apply ${operand(nic.name)} resumes tuning`,
      })
    }
  }
  return exempt
}

/** Restores the recorded originals of all NICs, or of one. Each is held from before its first write. */
export function rollbackOperation(system: System, nic: string | undefined): Operation {
  const restorable = (guest: ObservedGuest, ledger: Ledger): [ObservedNic, RecordedValues][] =>
    guest.nics
      .filter((candidate) => nic === undefined || candidate.name === nic)
      .flatMap((candidate) => {
        const original = entryOf(ledger, candidate)?.original
        return original === undefined ? [] : [[candidate, original] as [ObservedNic, RecordedValues]]
      })
  /** Whose channels it changes: what was unconfirmed of them is over then. */
  const moved = new Set<number>()
  return {
    purpose: 'rollback',
    isExact: true,
    observe: (knownMaxima) =>
      observeGuest(system, { knownMaxima, rssTable: true, rings: recordedRings(system) }),
    plan(guest, ledger) {
      const plans = restorable(guest, ledger).map(([observed, original]) =>
        planRestore(observed, original, guest.cpus.online, 'original value'),
      )
      return { steps: plans.flatMap(({ steps }) => steps), skips: plans.flatMap(({ skips }) => skips) }
    },
    pending: (ledger, guest) => restorable(guest, ledger).length > 0,
    prepare(ledger, guest, nics, at) {
      for (const [{ ifindex, channels }, original] of restorable(guest, ledger))
        if (original.channels?.[CHANNELS_KEY] !== String(channels.current)) moved.add(ifindex)
      return withHeld(ledger, nics, at)
    },
    finish(ledger, guest, unfinished, at) {
      const nics = restorable(guest, ledger).map(([observed]) => observed)
      const done = nics.filter(({ ifindex }) => !unfinished.has(ifindex))
      const confirmed = done.filter(({ ifindex }) => moved.has(ifindex))
      const held = withoutOriginals(withHeld(ledger, nics, at), done)
      return confirmed.reduce((result, nic) => withUnconfirmed(result, nic, undefined), held)
    },
  }
}

/** Sizes that were recorded are read again; of other NICs there is nothing to restore. */
function recordedRings(system: System): NonNullable<ObserveOptions['rings']> {
  const { entries } = readLedger(system, readBootId(system))
  const isRecorded = (nic: NicTopology): boolean => hasRings(entryOf({ entries }, nic)?.original)
  return async (nic) => (isRecorded(nic) ? readRings(system, nic.name) : undefined)
}

export interface RestoreRequest {
  /** Shown to other processes that wait for the lock. */
  readonly purpose: string
  readonly ifindex: number
  readonly values: RecordedValues
  readonly reason: string
}

/** Restores earlier values of one NIC. The ledger is not changed. */
export function restoreOperation(system: System, request: RestoreRequest): Operation {
  const { purpose, ifindex, values, reason } = request
  return {
    purpose,
    isExact: true,
    observe: () => observeGuest(system, { rssTable: true, rings: hasRings(values) }),
    plan(guest) {
      const nic = nicByIndex(guest, ifindex)
      return nic === undefined
        ? { steps: [], skips: [] }
        : planRestore(nic, values, guest.cpus.online, reason)
    },
    pending: () => false,
    prepare: (ledger) => ledger,
    finish: (ledger) => ledger,
  }
}

/**
 * Steps that restore recorded values: channels first, because changing them resets the rest. If channels cannot be
 * changed now, they are skipped and the rest is restored. Pure.
 */
export function planRestore(
  nic: ObservedNic,
  values: RecordedValues,
  online: CpuList,
  reason: string,
): { readonly steps: readonly Step[]; readonly skips: readonly Skip[] } {
  const steps = restoreSettings(nic, values, online, reason)
  const { obstacle } = nic
  if (obstacle === undefined || !steps.some(({ tunable }) => tunable === 'channels'))
    return { steps, skips: [] }
  const blocked = new Set<TunableName>(['channels'])
  return {
    steps: restoreSettings(nic, values, online, reason, blocked),
    skips: [{ nic: nic.name, tunable: 'channels', ...obstacle }],
  }
}

/** For commands that only read: everything that a plan by these settings depends on. */
export function observeAll(system: System, { rules }: Pick<Settings, 'rules'>): ObserveOptions {
  return { needsMaximum: () => true, links: true, rssTable: true, rings: needsRings(system, rules) }
}
