/**
 * NICs that udev has not named yet: rules by name would miss them, so they are left alone for a while, as at boot. udev tells
 * of the end of its work only in its database, so that is looked at again.
 */
import { isNamedByUdev } from '../kernel/pending-nics'
import type { ObservedGuest } from '../model'
import type { Exemptions } from '../planner/plan'
import type { System } from '../system/system'

const LOOK_AGAIN_MS = 250

export class UnnamedNics {
  /** When each was first seen without a name, by interface index; milliseconds since boot. */
  private readonly since = new Map<number, number>()
  private waiting: ReadonlySet<number> = new Set()

  constructor(private readonly system: System) {}

  /**
   * To be called with each observation.
   * @param limitMs how long a NIC is waited for
   * @param now milliseconds since boot
   */
  look({ nics }: Pick<ObservedGuest, 'nics'>, limitMs: number, now: number): void {
    const present = new Set(nics.map(({ ifindex }) => ifindex))
    for (const ifindex of this.since.keys()) if (!present.has(ifindex)) this.since.delete(ifindex)
    const unnamed = [...present].filter((ifindex) => !isNamedByUdev(this.system, ifindex))
    for (const ifindex of unnamed) if (!this.since.has(ifindex)) this.since.set(ifindex, now)
    this.waiting = new Set(unnamed.filter((ifindex) => now - (this.since.get(ifindex) ?? now) < limitMs))
  }

  exemptions({ nics }: Pick<ObservedGuest, 'nics'>): Exemptions {
    return new Map(
      nics
        .filter(({ ifindex }) => this.waiting.has(ifindex))
        .map(({ name }) => [name, { code: 'unnamed', why: 'udev has not processed the interface yet' }]),
    )
  }

  /** When to look again, milliseconds; undefined: all have a name, or were waited for long enough. */
  get nextMs(): number | undefined {
    return this.waiting.size === 0 ? undefined : LOOK_AGAIN_MS
  }
}
