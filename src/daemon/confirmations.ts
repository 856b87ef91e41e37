/**
 * Commit-confirm of the daemon: NICs whose channels it changed are watched for the whole configured time, beside the
 * passes. One that was cut off is put back by the next pass, which is asked for at once.
 */
import {
  type BeforeChange,
  type BeforeChanges,
  type LostNic,
  putBack,
  toWatch,
  watchChange,
} from '../guard/confirm'
import type { ChannelChange } from '../guard/guard'
import type { ObservedGuest } from '../model'
import type { Host } from '../system/host'

interface Watched {
  readonly before: BeforeChange
  /** The new channels. */
  readonly to: number
  readonly abort: AbortController
  /** Set when it was cut off. */
  lost?: string
}

export class Confirmations {
  private readonly watched = new Map<number, Watched>()

  constructor(
    private readonly host: Host,
    private readonly signal: AbortSignal,
    /** Asks for a pass, which calls putBack. */
    private readonly wake: () => void,
  ) {}

  /** What NICs were like before changes that are not confirmed yet: there they go back to. */
  before(): BeforeChanges {
    return new Map([...this.watched].map(([ifindex, { before }]) => [ifindex, before]))
  }

  /**
   * Watches the NICs that were changed, those that are watched already from the start.
   * @param before from before(), with the NICs of these changes noted
   */
  watch(
    before: BeforeChanges,
    after: ObservedGuest,
    changes: readonly ChannelChange[],
    seconds: number,
  ): void {
    const living = toWatch(before, after)
    for (const { ifindex, to } of changes) {
      this.watched.get(ifindex)?.abort.abort()
      this.watched.delete(ifindex)
      const one = living.find(({ nic }) => nic.ifindex === ifindex)
      if (one !== undefined && seconds > 0) void this.follow(one, to, seconds)
    }
  }

  private async follow(before: BeforeChange, to: number, seconds: number): Promise<void> {
    const { ifindex } = before.nic
    const watched: Watched = { before, to, abort: new AbortController() }
    this.watched.set(ifindex, watched)
    const signal = AbortSignal.any([this.signal, watched.abort.signal])
    const end = await watchChange(this.host, before, seconds, signal, false)
    if (this.watched.get(ifindex) !== watched) return
    if (typeof end === 'string') {
      this.watched.delete(ifindex)
      return
    }
    watched.lost = end.lost
    this.wake()
  }

  /** Puts back what was cut off, unless the NIC went or has other channels by now. */
  async putBack(guest: ObservedGuest): Promise<readonly LostNic[]> {
    const done: LostNic[] = []
    for (const [ifindex, { before, to, lost }] of this.watched) {
      if (lost === undefined) continue
      this.watched.delete(ifindex)
      const now = guest.nics.find((nic) => nic.ifindex === ifindex)
      if (now === undefined || now.channels.current !== to) continue
      done.push(await putBack(this.host, { ...before.nic, name: now.name }, to, lost))
    }
    return done
  }
}
