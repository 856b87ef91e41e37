/** Reverts a NIC that was cut off by its new channels, and holds it. */
import { messageOf } from '../errors'
import type { ObservedGuest, ObservedNic, RecordedValues } from '../model'
import { nicByIndex } from '../planner/find-nic'
import { entryOf, type Ledger, type Unconfirmed, withHeld, withUnconfirmed } from '../planner/ledger'
import { observeGuest } from '../planner/observe'
import { planRestore } from '../planner/operations'
import { converge, type Operation } from '../planner/reconcile'
import type { System } from '../system/system'
import { operand } from '../text/escape'
import { plural } from '../text/plural'
import { CHANNELS_KEY } from '../tunables/channels'
import { isSameChange, type UnconfirmedEntry } from './unconfirmed'

/** A NIC that was cut off by its new channels. */
export interface ConnectivityLoss {
  readonly nic: string
  /** The channels that cut it off. */
  readonly from: number
  /** The previous channels, to which it was reverted. */
  readonly channels: number
  readonly why: string
  /** Why it could not be reverted; undefined: it was. */
  readonly failure: string | undefined
}

/**
 * Reverts a NIC to its last confirmed settings, and holds it as after a rollback: before the next boot only an
 * administrator's apply tunes it again. That is in the ledger from before the first write, and whoever comes next goes on
 * with it if this process is killed. Does not throw: a failure is in the result.
 * @returns undefined if there was nothing to revert: somebody else did, or changed the channels meanwhile
 */
export async function revert(
  system: System,
  entry: UnconfirmedEntry,
  why: string,
): Promise<ConnectivityLoss | undefined> {
  const operation = new Reversion(system, entry, why)
  const lossOf = (failure: string | undefined): ConnectivityLoss => {
    const channels = channelsOf(entry.unconfirmed.confirmed)
    const unplanned = { nic: entry.name, from: channels, channels }
    return { ...(operation.planned ?? unplanned), why, failure }
  }
  try {
    const { guest, failure } = await converge(system, operation)
    if (nicByIndex(guest, entry.ifindex) === undefined) return lossOf('the NIC went away')
    if (operation.planned === undefined) return undefined
    return lossOf(failure?.message)
  } catch (error) {
    return lossOf(messageOf(error))
  }
}

class Reversion implements Operation {
  readonly purpose = 'confirm'
  readonly isExact = true
  planned: { readonly nic: string; readonly from: number; readonly channels: number } | undefined

  constructor(
    private readonly system: System,
    private readonly entry: UnconfirmedEntry,
    private readonly why: string,
  ) {}

  observe(): Promise<ObservedGuest> {
    return observeGuest(this.system)
  }

  plan(guest: ObservedGuest, ledger: Ledger): ReturnType<Operation['plan']> {
    const nic = nicByIndex(guest, this.entry.ifindex)
    const target = nic && this.targetOf(nic, ledger)
    if (nic === undefined || target === undefined) return { steps: [], skips: [] }
    this.planned ??= { nic: nic.name, from: nic.channels.current, channels: channelsOf(target) }
    return planRestore(nic, target, guest.cpus.online, `${this.why} after the change`)
  }

  pending(ledger: Ledger): boolean {
    return this.change(ledger) !== undefined
  }

  prepare(ledger: Ledger, _guest: ObservedGuest, nics: readonly ObservedNic[], at: string): Ledger {
    const [nic] = nics
    const change = this.change(ledger)
    const target = nic && this.targetOf(nic, ledger)
    if (nic === undefined || change === undefined || target === undefined) return ledger
    if (change.lost !== undefined && entryOf(ledger, nic)?.held === true) return ledger
    const { before: _, ...rest } = change
    const heldWhy = `${this.why} with ${nic.channels.current} channels`
    return withUnconfirmed(withHeld(ledger, [nic], at, heldWhy), nic, {
      ...rest,
      confirmed: target,
      lost: this.why,
    })
  }

  finish(ledger: Ledger, guest: ObservedGuest, unfinished: ReadonlySet<number>): Ledger {
    const nic = nicByIndex(guest, this.entry.ifindex)
    if (nic === undefined || this.change(ledger) === undefined || unfinished.has(nic.ifindex)) return ledger
    return withUnconfirmed(ledger, nic, undefined)
  }

  private change(ledger: Ledger): Unconfirmed | undefined {
    const known = entryOf(ledger, this.entry)?.unconfirmed
    return known !== undefined && isSameChange(known, this.entry.unconfirmed) ? known : undefined
  }

  /** undefined: it has other channels already. */
  private targetOf({ channels: { current } }: ObservedNic, ledger: Ledger): RecordedValues | undefined {
    const change = this.change(ledger)
    if (change === undefined) return undefined
    const { confirmed, before = confirmed, lost } = change
    if (lost !== undefined) return confirmed
    const target = channelsOf(confirmed) === current ? before : confirmed
    return channelsOf(target) === current ? undefined : target
  }
}

export function channelsOf(values: RecordedValues): number {
  return Number(values.channels?.[CHANNELS_KEY])
}

/** One line for the terminal and the journal. */
export function describeLoss({ nic, channels, why, failure }: ConnectivityLoss): string {
  return failure === undefined
    ? `${nic}: ${why} after the change: reverted to ${plural(channels, 'channel')}, held until the next boot or vqtune apply ${operand(nic)}`
    : `${nic}: ${why} after the change, and reverting to ${plural(channels, 'channel')} failed: ${failure}`
}
