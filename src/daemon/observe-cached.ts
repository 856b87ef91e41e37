/** The daemon's observation of the guest: ethtool runs once per NIC instance, everything else is read from sysfs. */
import { VqtuneError } from '../errors'
import type { ObservedGuest } from '../model'
import { observeGuest } from '../planner/observe'
import type { System } from '../system/system'

export class CachingObserver {
  private readonly maxima = new Map<number, number>()
  /** Asked, and the driver has no such setting. */
  private readonly withoutMaximum = new Set<number>()
  /** Why ethtool failed at the last observation; undefined if it did not, or was not needed. */
  problem: string | undefined

  constructor(private readonly system: System) {}

  /**
   * Without a usable ethtool, maxima stay unknown and channels as they are; affinity and XPS are tuned all the same.
   * @throws VqtuneError kind unsupported when there is no list of CPUs
   */
  async observe(alsoKnown: ReadonlyMap<number, number> = new Map()): Promise<ObservedGuest> {
    const knownMaxima = new Map([...this.maxima, ...alsoKnown])
    let guest: ObservedGuest
    try {
      guest = await observeGuest(this.system, {
        knownMaxima,
        needsMaximum: (nic) => !this.withoutMaximum.has(nic.ifindex),
      })
      this.problem = undefined
    } catch (error) {
      const aboutTool =
        error instanceof VqtuneError && ['tool-missing', 'tool-failed', 'timeout'].includes(error.kind)
      if (!aboutTool) throw error
      this.problem = error.message
      return observeGuest(this.system, { knownMaxima })
    }
    this.remember(guest)
    return guest
  }

  private remember(guest: ObservedGuest): void {
    const present = new Set(guest.nics.map((nic) => nic.ifindex))
    for (const ifindex of this.maxima.keys()) if (!present.has(ifindex)) this.maxima.delete(ifindex)
    for (const ifindex of this.withoutMaximum) if (!present.has(ifindex)) this.withoutMaximum.delete(ifindex)
    for (const { ifindex, channels, obstacle } of guest.nics) {
      if (channels.maximum !== undefined) this.maxima.set(ifindex, channels.maximum)
      else if (obstacle?.code !== 'suspended') this.withoutMaximum.add(ifindex)
    }
  }
}
