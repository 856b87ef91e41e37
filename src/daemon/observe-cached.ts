/** The daemon's look at the guest: ethtool is asked once for each NIC instance, everything else is read from sysfs. */
import { needsIdentification } from '../config/match'
import type { Settings } from '../config/settings'
import { type Links, readLinks } from '../kernel/ip-link'
import type { ObservedGuest, ObservedNic, Obstacle } from '../model'
import { observeGuest } from '../planner/observe'
import type { System } from '../system/system'

export class CachingObserver {
  private readonly maxima = new Map<number, number>()
  /** Asked, and the driver has no such setting. */
  private readonly withoutMaximum = new Set<number>()
  /** NICs for which ethtool failed in this pass. */
  private readonly unanswered = new Map<number, Obstacle>()
  private links: { readonly of: string; readonly links: Links } | undefined
  /** Why ethtool could not be asked at the last look, of the first NIC; undefined when it could, or need not be. */
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
  async observe(
    { rules }: Pick<Settings, 'rules'>,
    alsoKnown: ReadonlyMap<number, number> = new Map(),
  ): Promise<ObservedGuest> {
    const guest = await observeGuest(this.system, {
      knownMaxima: new Map([...this.maxima, ...alsoKnown]),
      needsMaximum: (nic) => !this.withoutMaximum.has(nic.ifindex),
      unanswered: this.unanswered,
      links: (nics) => (needsIdentification(rules, nics) ? this.linksOf(nics) : undefined),
    })
    this.remember(guest)
    const silent = guest.nics.find(({ ifindex }) => this.unanswered.has(ifindex))
    this.problem = silent && `${silent.name}: ${this.unanswered.get(silent.ifindex)?.why}`
    return guest
  }

  /** Run again when a NIC was added, removed or renamed, and after each pass in which it failed. */
  private async linksOf(nics: readonly ObservedNic[]): Promise<Links> {
    const known = nics.map(({ ifindex, name, mac }) => `${ifindex} ${name} ${mac}`).join('\n')
    if (this.links?.of === known) return this.links.links
    const links = await readLinks(this.system)
    this.links = links.size === 0 ? undefined : { of: known, links }
    return links
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
