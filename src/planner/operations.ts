/** The two things the loop can reach: the desired state, and the state from before vqtune. */
import type { Settings } from '../config/settings'
import { nicSettings } from '../config/settings'
import { VqtuneError } from '../errors'
import { parseCpuList, sameCpus } from '../kernel/cpulist'
import type { CpuList, IgnoredInterface, ObservedGuest, ObservedNic, Obstacle, Step } from '../model'
import type { System } from '../system/system'
import { operand } from '../text/escape'
import { affinityStep } from '../tunables/irq-affinity'
import { entryOf, type Ledger, type LedgerEntry, withApplied, withHeld, withoutHold } from './ledger'
import { type ObserveOptions, observeGuest } from './observe'
import { type Exemptions, planGuest, type RegressionHolds, skipsOf, stepsOf } from './plan'
import type { Operation } from './reconcile'
import { expiredRegressionHolds, regressionHoldsOf, withoutRegressionHolds } from './regression-hold'
import { maximumMatters } from './target'

export interface ApplyOptions {
  /** Only this NIC, by name; undefined: all. */
  readonly nic?: string | undefined
  /**
   * True for boot, udev and the daemon: a NIC that was rolled back is left alone, and what the guard stepped back from is
   * not tried again. An administrator's apply ends both.
   */
  readonly respectHolds: boolean
  /** NICs to leave alone for other reasons, by name. */
  readonly exemptions?: Exemptions
}

/** The desired state of vqtune.toml. */
export function applyOperation(system: System, settings: Settings, options: ApplyOptions): Operation {
  const chosenOf = (guest: ObservedGuest): readonly ObservedNic[] =>
    guest.nics.filter((nic) => options.nic === undefined || nic.name === options.nic)
  /** Of the NICs that are not chosen, all hold. */
  const holding = (guest: ObservedGuest, ledger: Ledger): RegressionHolds => {
    const all = regressionHoldsOf(guest, ledger, settings)
    if (options.respectHolds) return all
    const chosen = new Set(chosenOf(guest).map(({ ifindex }) => ifindex))
    return new Map([...all].filter(([ifindex]) => !chosen.has(ifindex)))
  }
  const over = (guest: ObservedGuest, ledger: Ledger): readonly ObservedNic[] =>
    expiredRegressionHolds(guest, ledger, holding(guest, ledger))
  const unanswered = new Map<number, Obstacle>()
  return {
    purpose: 'apply',
    observe: (knownMaxima) =>
      observeGuest(system, {
        knownMaxima,
        unanswered,
        // A rule may name a NIC by an altname, which only `ip` tells; without such rules it is not run.
        links: settings.rules.some((rule) => rule.match.name !== undefined),
        needsMaximum: (nic, { cpus }) =>
          maximumMatters(nic, cpus, settings.isolated, nicSettings(settings, nic)),
      }),
    plan(guest, ledger) {
      const exemptions = exemptionsOf(guest, ledger, options)
      const plans = planGuest(guest, settings, exemptions, holding(guest, ledger)).filter(
        ({ nic }) => options.nic === undefined || nic.name === options.nic,
      )
      return { steps: stepsOf(plans), skips: skipsOf(plans) }
    },
    pending: (ledger, guest) =>
      over(guest, ledger).length > 0 ||
      (!options.respectHolds && chosenOf(guest).some((nic) => entryOf(ledger, nic)?.held === true)),
    finish(ledger, guest, at) {
      const chosen = chosenOf(guest)
      const remembered = withoutRegressionHolds(ledger, over(guest, ledger))
      return withApplied(options.respectHolds ? remembered : withoutHold(remembered, chosen), chosen, at)
    },
  }
}

/** NICs held by a rollback, unless the command ends that, and those of the caller. */
export function exemptionsOf(guest: ObservedGuest, ledger: Ledger, options: ApplyOptions): Exemptions {
  const exempt = new Map(options.exemptions)
  if (!options.respectHolds) return exempt
  for (const nic of guest.nics) {
    const entry = entryOf(ledger, nic)
    if (entry?.held === true) {
      const what = entry.heldWhy === undefined ? 'rolled back' : `put back: ${entry.heldWhy}`
      exempt.set(nic.name, { code: 'held', why: `${what}; vqtune apply ${operand(nic.name)} tunes it again` })
    }
  }
  return exempt
}

/** The recorded originals of every NIC, or of one. NICs that are restored are then held. */
export function rollbackOperation(system: System, nic: string | undefined): Operation {
  const restorable = (guest: ObservedGuest, ledger: Ledger): [ObservedNic, LedgerEntry][] =>
    guest.nics
      .filter((candidate) => nic === undefined || candidate.name === nic)
      .map((candidate) => [candidate, entryOf(ledger, candidate)] as const)
      .filter((pair): pair is [ObservedNic, LedgerEntry] => pair[1]?.original !== undefined)
  return {
    purpose: 'rollback',
    observe: (knownMaxima) => observeGuest(system, { knownMaxima }),
    plan: (guest, ledger) => ({
      steps: restorable(guest, ledger).flatMap(([observed, entry]) =>
        restoreSteps(observed, entry, guest.cpus.online),
      ),
      skips: [],
    }),
    pending: (ledger, guest) => restorable(guest, ledger).length > 0,
    finish(ledger, guest, at) {
      const nics = restorable(guest, ledger).map(([observed]) => observed)
      return withHeld(ledger, nics, at)
    },
  }
}

/**
 * Steps back to the originals of one NIC: channels first, the kernel rewrites the rest when they change. Pure.
 *
 * CPUs that went offline since are left out: the kernel drops them from XPS (__netif_set_xps_queue, net/core/dev.c) and
 * refuses interrupts that only they may take (write_irq_affinity, kernel/irq/proc.c), so they would never be "as before".
 * @param online CPU numbers that are online now
 */
export function restoreSteps(nic: ObservedNic, entry: LedgerEntry, online: CpuList): readonly Step[] {
  const original = entry.original
  if (original === undefined) return []
  const reason = 'as it was before vqtune'
  if (nic.channels.current !== original.channels) {
    return [
      { kind: 'set-channels', nic: nic.name, old: nic.channels.current, new: original.channels, reason },
    ]
  }
  const living = new Set(online)
  /** What to write, or undefined when it is so already, was not recorded, or no CPU of it is left. */
  const restored = (current: CpuList, recorded: string | undefined): CpuList | undefined => {
    const before = recorded === undefined ? undefined : parseCpuList(recorded)
    if (before === undefined) return undefined
    const wanted = before.filter((cpu) => living.has(cpu))
    const isGone = wanted.length === 0 && before.length > 0
    const now = current.filter((cpu) => living.has(cpu))
    return isGone || sameCpus(now, wanted) ? undefined : wanted
  }
  const steps: Step[] = []
  for (const queue of nic.queues) {
    const recorded = original.queues[queue.index]
    for (const direction of ['rx', 'tx'] as const) {
      const irq = direction === 'rx' ? queue.rxIrq : queue.txIrq
      const cpus = irq === undefined ? undefined : restored(irq.affinity, recorded?.[direction])
      if (irq === undefined || cpus === undefined || cpus.length === 0) continue
      steps.push(affinityStep(nic.name, queue.index, direction, irq, cpus, reason))
    }
    const xps = queue.xps === undefined ? undefined : restored(queue.xps, recorded?.xps)
    if (queue.xps !== undefined && xps !== undefined) {
      steps.push({ kind: 'set-xps', nic: nic.name, queue: queue.index, old: queue.xps, new: xps, reason })
    }
  }
  return steps
}

/**
 * The NIC a user named: by interface name, altname or virtio id.
 * @throws VqtuneError kind usage when it is none of the targets; a bystander is explained
 */
export function findNic(guest: ObservedGuest, name: string): ObservedNic {
  const found = guest.nics.find(
    (nic) => nic.name === name || nic.virtio === name || nic.altnames.includes(name),
  )
  if (found !== undefined) return found
  const ignoredInterface: IgnoredInterface | undefined = guest.ignored.find((other) => other.name === name)
  if (ignoredInterface !== undefined)
    throw new VqtuneError('usage', `${name} is not tuned: ${ignoredInterface.why}`)
  const known = guest.nics.map((nic) => nic.name).join(', ')
  throw new VqtuneError(
    'usage',
    `${name}: no such virtio-net NIC; ${known === '' ? 'this guest has none' : `there are ${known}`}`,
  )
}

/** What commands that only look ask for: everything. */
export const OBSERVE_ALL: ObserveOptions = { needsMaximum: () => true, links: true, rss: true }
