/** The daemon's observation of the guest: ethtool runs once per NIC instance, everything else is read from sysfs. */
import type { ObservedGuest, Obstacle } from '../model'
import { observeGuest } from '../planner/observe'
import type { System } from '../system/system'

export class CachingObserver {
  private readonly maxima = new Map<number, number>()
  /** Asked, and the driver has no such setting. */
  private readonly withoutMaximum = new Set<number>()
  /** NICs for which ethtool failed in this pass. */
  private readonly unanswered = new Map<number, Obstacle>()
  /** Why ethtool failed at the last observation, for the first NIC; undefined if it did not, or was not needed. */
  problem: string | undefined

  constructor(private readonly system: System) {}

  /** Those of whom ethtool could not be asked are asked again. */
  startPass(): void {
    this.unanswered.clear()
  }

  /**
   * Of a NIC of whom ethtool cannot be asked the maximum stays unknown and channels as they are.
   * @throws VqtuneError kind unsupported when there is no list of CPUs
   */
  async observe(alsoKnown: ReadonlyMap<number, number> = new Map()): Promise<ObservedGuest> {
    const guest = await observeGuest(this.system, {
      knownMaxima: new Map([...this.maxima, ...alsoKnown]),
      needsMaximum: (nic) => !this.withoutMaximum.has(nic.ifindex),
      unanswered: this.unanswered,
    })
    this.remember(guest)
    const silent = guest.nics.find(({ ifindex }) => this.unanswered.has(ifindex))
    this.problem = silent && `${silent.name}: ${this.unanswered.get(silent.ifindex)?.why}`
    return guest
  }

  private remember(guest: ObservedGuest): void {
    const present = new Set(guest.nics.map((nic) => nic.ifindex))
    for (const ifindex of this.maxima.keys()) if (!present.has(ifindex)) this.maxima.delete(ifindex)
    for (const ifindex of this.withoutMaximum) if (!present.has(ifindex)) this.withoutMaximum.delete(ifindex)
    for (const { ifindex, channels, obstacle } of guest.nics) {
      if (channels.maximum !== undefined) this.maxima.set(ifindex, channels.maximum)
      else if (obstacle?.code !== 'suspended' && !this.unanswered.has(ifindex)) {
        this.withoutMaximum.add(ifindex)
      }
    }
  }
}
