/**
 * The daemon's look at the guest: ethtool is asked once for each NIC instance, and for an RSS table and rings now and then;
 * everything else is read from sysfs.
 */
import { needsIdentification } from '../config/match'
import type { Settings } from '../config/settings'
import { type Links, readLinks } from '../kernel/ip-link'
import { readRings } from '../kernel/rings'
import { readRssTable } from '../kernel/rss'
import type { ObservedGuest, ObservedNic, Obstacle, RssTable, TunableName } from '../model'
import { needsRings } from '../planner/killed-trial'
import { observeGuest } from '../planner/observe'
import type { System } from '../system/system'
import type { NicTopology } from '../tunables/tunable'

/** The kernel tells nobody that a table was changed; with the usual check-cron it is read again at every check. */
const TABLE_AGE_MS = 240_000

interface KnownRings {
  readonly rings: NonNullable<ObservedNic['rings']>
  /** Monotonic, milliseconds. */
  readonly atMs: number
}

interface KnownTable {
  readonly channels: number
  /** 'none': the driver has none. 'unknown': ethtool failed in this pass. */
  readonly table: RssTable | 'none' | 'unknown'
  /** Monotonic, milliseconds. */
  readonly atMs: number
}

export class CachingObserver {
  private readonly maxima = new Map<number, number>()
  /** Asked, and the driver has no such setting. */
  private readonly withoutMaximum = new Set<number>()
  /** NICs for which ethtool failed in this pass. */
  private readonly unanswered = new Map<number, Obstacle>()
  /** By interface index. */
  private readonly tables = new Map<number, KnownTable>()
  private readonly rings = new Map<number, KnownRings>()
  private links: { readonly of: string; readonly links: Links } | undefined
  /** Why ethtool could not be asked at the last look, of the first NIC; undefined when it could, or need not be. */
  problem: string | undefined

  constructor(
    private readonly system: System,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Those of whom ethtool could not be asked are asked again, and for RSS tables that were read long ago. */
  startPass(): void {
    this.unanswered.clear()
    const oldest = this.now() - TABLE_AGE_MS
    for (const [ifindex, { rings, atMs }] of this.rings)
      if (rings === 'unknown' || (rings !== 'unsupported' && atMs < oldest)) this.rings.delete(ifindex)
    for (const [ifindex, { table, atMs }] of this.tables) {
      if (table === 'unknown' || (table !== 'none' && atMs < oldest)) this.tables.delete(ifindex)
    }
  }

  /** It was written. */
  forget(tunable: TunableName, ifindex: number): void {
    if (tunable === 'rss-table') this.tables.delete(ifindex)
    if (tunable === 'rings') this.rings.delete(ifindex)
  }

  /** The kernel tells of some change of rings, whoever made it. */
  forgetRings(): void {
    this.rings.clear()
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
      rssTable: (nic) => this.tableOf(nic),
      rings: needsRings(this.system, rules) && ((nic) => this.ringsOf(nic)),
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

  /** Read again when channels have changed: newer kernels then make it anew. */
  private async tableOf({ ifindex, name, channels }: NicTopology): Promise<ObservedNic['rssTable']> {
    const known = this.tables.get(ifindex)
    const isKnown = known !== undefined && (known.table === 'none' || known.channels === channels.current)
    const table = isKnown ? known.table : await readRssTable(this.system, name)
    if (!isKnown) this.tables.set(ifindex, { channels: channels.current, table, atMs: this.now() })
    return table === 'none' ? undefined : table
  }

  private async ringsOf({ ifindex, name }: NicTopology): Promise<ObservedNic['rings']> {
    const known = this.rings.get(ifindex)
    if (known !== undefined) return known.rings
    const rings = await readRings(this.system, name)
    this.rings.set(ifindex, { rings, atMs: this.now() })
    return rings
  }

  private remember(guest: ObservedGuest): void {
    const present = new Set(guest.nics.map((nic) => nic.ifindex))
    for (const known of [this.rings, this.tables, this.maxima, this.withoutMaximum])
      for (const ifindex of known.keys()) if (!present.has(ifindex)) known.delete(ifindex)
    for (const { ifindex, channels, obstacle } of guest.nics) {
      if (channels.maximum !== undefined) this.maxima.set(ifindex, channels.maximum)
      else if (obstacle?.code !== 'suspended' && !this.unanswered.has(ifindex)) {
        this.withoutMaximum.add(ifindex)
      }
    }
  }
}
