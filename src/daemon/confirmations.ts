/**
 * Commit-confirm of the daemon: NICs whose channels it changed are watched for the whole configured time, in parallel to
 * the passes. A NIC that lost connectivity is reverted by the next pass, which is triggered at once.
 */

import {
  type Baseline,
  type Baselines,
  type ConnectivityLoss,
  hasConnection,
  revert,
  stillUnconfirmed,
  watchChange,
} from '../confirm/confirm'
import { watchWithService } from '../confirm/queue-service'
import type { ChannelChange } from '../guard/guard'
import type { ObservedGuest } from '../model'
import { nicByIndex } from '../planner/find-nic'
import type { System } from '../system/system'

interface Watched {
  /** The last confirmed state. */
  readonly first: Baseline
  /** The state that is watched and reverted to. */
  readonly before: Baseline
  /** The new channels. */
  readonly to: number
  readonly abort: AbortController
  /** Set when it was cut off. */
  lost?: string
  /** It could not be reverted so far: reported once, tried again. */
  failed?: true
}

export class Confirmations {
  private readonly watched = new Map<number, Watched>()

  constructor(
    private readonly system: System,
    private readonly signal: AbortSignal,
    /** Asks for a pass, which calls putBack. */
    private readonly wake: () => void,
  ) {}

  /**
   * Watches the NICs that were changed; for those that are already watched, the time starts again.
   * @param before what they were like just before these changes
   */
  watch(before: Baselines, changes: readonly ChannelChange[], seconds: number): void {
    for (const { ifindex, to } of changes) {
      const watched = this.watched.get(ifindex)
      watched?.abort.abort()
      this.watched.delete(ifindex)
      const last = before.get(ifindex)
      if (last === undefined) continue
      const first =
        watched === undefined ? last : { ...watched.first, connectivity: watched.before.connectivity }
      const one = stillUnconfirmed(first, last, to)
      if (hasConnection(one)) void this.follow(first, one, to, seconds)
    }
  }

  private async follow(first: Baseline, before: Baseline, to: number, seconds: number): Promise<void> {
    const { ifindex } = before.nic
    const watched: Watched = { first, before, to, abort: new AbortController() }
    this.watched.set(ifindex, watched)
    const signal = AbortSignal.any([this.signal, watched.abort.signal])
    const end = await watchWithService(this.system, ifindex, () =>
      watchChange(this.system, before, seconds, signal, false),
    )
    if (this.watched.get(ifindex) !== watched) return
    if (typeof end === 'string') {
      this.watched.delete(ifindex)
      return
    }
    watched.lost = end.lost
    this.wake()
  }

  /** Whether a NIC that lost connectivity still has to be reverted. */
  get isDue(): boolean {
    return [...this.watched.values()].some(({ lost }) => lost !== undefined)
  }

  /**
   * Reverts NICs that lost connectivity, unless they are gone or have other channels by now. A failure, as when another
   * vqtune holds the lock, is retried at the next call.
   */
  async putBack(guest: ObservedGuest): Promise<readonly ConnectivityLoss[]> {
    const done: ConnectivityLoss[] = []
    for (const [ifindex, watched] of this.watched) {
      const { before, to, lost, failed } = watched
      if (lost === undefined) continue
      const now = nicByIndex(guest, ifindex)
      if (now === undefined || now.channels.current !== to) {
        this.watched.delete(ifindex)
        continue
      }
      const result = await revert(this.system, { ...before.nic, name: now.name }, to, lost)
      if (result.failure === undefined) this.watched.delete(ifindex)
      else watched.failed = true
      if (result.failure === undefined || failed !== true) done.push(result)
    }
    return done
  }
}
