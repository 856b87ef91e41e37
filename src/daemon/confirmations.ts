/**
 * Commit-confirm of the daemon: what is unconfirmed in the ledger, and ours, is watched for the rest of its time, in
 * parallel to the passes. What a vqtune that is gone has left, such as the daemon before this one, becomes ours. A NIC that
 * lost connectivity is reverted by the next pass, which is triggered at once.
 */

import { watchChange } from '../confirm/confirm'
import { watchWithService } from '../confirm/queue-service'
import { type ConnectivityLoss, revert } from '../confirm/revert'
import {
  abandonedChanges,
  confirmChanges,
  connectivityOf,
  isSameChange,
  ownChanges,
  secondsLeft,
  takeOver,
  type UnconfirmedEntry,
  unconfirmedEntries,
} from '../confirm/unconfirmed'
import { VqtuneError } from '../errors'
import type { ObservedGuest } from '../model'
import { readLedger } from '../planner/ledger'
import type { System } from '../system/system'

export const RETRY_FIRST_MS = 5_000
export const RETRY_MAX_MS = 300_000

interface Watched {
  readonly entry: UnconfirmedEntry
  readonly abort: AbortController
  /** Set when it was cut off. */
  lost?: string
  /** Set when the watch ended well and the ledger does not say so yet. */
  isOver?: true
  /** It could not be reverted so far: reported once, tried again. */
  failed?: true
}

export class Confirmations {
  private readonly watched = new Map<number, Watched>()
  /** NICs, by interface index, with a change that another process watches, or that could not be taken over. */
  private waiting = 0
  /** By interface index, as the latest pass saw them. */
  private present: ReadonlySet<number> = new Set()
  private failures = 0
  /** Why the ledger cannot be brought up to date; undefined: it is. */
  problem: string | undefined

  constructor(
    private readonly system: System,
    private readonly signal: AbortSignal,
    /** Asks for a pass, which calls putBack. */
    private readonly wake: () => void,
  ) {}

  /** To be called in each pass: follows what the ledger says, and ends what is due. */
  async sync({ bootId, nics }: Pick<ObservedGuest, 'bootId' | 'nics'>): Promise<void> {
    this.present = new Set(nics.map(({ ifindex }) => ifindex))
    await this.updateLedger(bootId)
    const ledger = readLedger(this.system, bootId)
    const own = ownChanges(ledger)
    this.waiting = unconfirmedEntries(ledger).filter(
      (entry) => this.present.has(entry.ifindex) && !own.includes(entry),
    ).length
    for (const [ifindex, { entry, abort }] of this.watched) {
      if (own.some((one) => one.ifindex === ifindex && isSameChange(one.unconfirmed, entry.unconfirmed)))
        continue
      // Rolled back, changed again, or ended by somebody else.
      abort.abort()
      this.watched.delete(ifindex)
    }
    for (const entry of own) if (!this.watched.has(entry.ifindex)) this.follow(entry, bootId)
  }

  private async updateLedger(bootId: string): Promise<void> {
    try {
      for (const watched of this.watched.values()) await this.confirm(bootId, watched)
      const abandoned = abandonedChanges(readLedger(this.system, bootId))
      if (abandoned.some(({ ifindex }) => this.present.has(ifindex))) await takeOver(this.system, bootId)
      this.problem = undefined
      this.failures = 0
    } catch (error) {
      if (!(error instanceof VqtuneError)) throw error
      this.problem = error.message
      this.failures++
    }
  }

  private follow(entry: UnconfirmedEntry, bootId: string): void {
    const watched: Watched = { entry, abort: new AbortController() }
    this.watched.set(entry.ifindex, watched)
    const { lost } = entry.unconfirmed
    if (lost === undefined) void this.watch(watched, bootId)
    else watched.lost = lost
  }

  private async watch(watched: Watched, bootId: string): Promise<void> {
    const { entry, abort } = watched
    const { name, ifindex, unconfirmed } = entry
    const change = { name, ifindex, connectivity: connectivityOf(unconfirmed) }
    const signal = AbortSignal.any([this.signal, abort.signal])
    const end = await watchWithService(this.system, ifindex, () =>
      watchChange(this.system, change, secondsLeft(unconfirmed), signal, false),
    )
    // The next daemon goes on where this one was stopped.
    if (this.watched.get(ifindex) !== watched || end === 'stopped') return
    if (typeof end === 'string') watched.isOver = true
    else watched.lost = end.lost
    await this.confirm(bootId, watched).catch(() => {})
    if (this.dueMs !== undefined) this.wake()
  }

  private async confirm(bootId: string, watched: Watched): Promise<void> {
    if (watched.isOver !== true) return
    await confirmChanges(this.system, bootId, [watched.entry])
    if (this.watched.get(watched.entry.ifindex) === watched) this.watched.delete(watched.entry.ifindex)
  }

  /**
   * When the next pass is needed, milliseconds: to revert a NIC, for what the ledger does not say yet, or to see whether
   * another process still watches. undefined: none.
   */
  get dueMs(): number | undefined {
    const due = [...this.watched.values()].some(
      ({ entry, lost, isOver }) => isOver === true || (lost !== undefined && this.present.has(entry.ifindex)),
    )
    if (!due && this.waiting === 0) return undefined
    return this.failures === 0
      ? RETRY_FIRST_MS
      : Math.min(RETRY_FIRST_MS * 2 ** (this.failures - 1), RETRY_MAX_MS)
  }

  /**
   * Reverts NICs that lost connectivity, unless they are gone or have other channels by now. A failure, as when another
   * vqtune holds the lock, is retried at the next call.
   */
  async putBack(): Promise<readonly ConnectivityLoss[]> {
    const done: ConnectivityLoss[] = []
    for (const [ifindex, watched] of this.watched) {
      const { entry, lost, failed } = watched
      if (lost === undefined || !this.present.has(ifindex)) continue
      const result = await revert(this.system, entry, lost)
      if (result?.failure === undefined) this.watched.delete(ifindex)
      else watched.failed = true
      if (result !== undefined && (result.failure === undefined || failed !== true)) done.push(result)
    }
    return done
  }
}
