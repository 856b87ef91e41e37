/** What changed since the last look, and who did it as far as it can be told. Remembers one look. */
import { attribute, type Writer } from '../drift/attribute'
import { classifyDrift, type Drift, isSettingDrift } from '../drift/classify'
import { readSightings, type Sighting } from '../drift/sightings'
import { type GuestSnapshot, snapshotOf, withOwnWrites } from '../drift/snapshot'
import { readSuspects } from '../drift/suspects'
import { readLedger } from '../ledger'
import type { ObservedGuest, Step } from '../model'
import type { Host } from '../system/host'

export interface Judged {
  readonly drift: Drift
  readonly writer: Writer
}

export class Witness {
  private before: GuestSnapshot | undefined
  private sightings: readonly Sighting[] = []
  /** The last look that was asked about; a pass asks of each look several times, and each would read the ledger anew. */
  private looked: { readonly guest: ObservedGuest; readonly snapshot: GuestSnapshot } | undefined

  constructor(private readonly host: Host) {}

  restore(before: GuestSnapshot): void {
    this.before = before
  }

  /** Something happened just now: who is at work? A few milliseconds later it may be gone. */
  lookAround(): void {
    // Several events may come before the pass that wants to know.
    const more = readSightings(this.host, process.pid)
    this.sightings = [...this.sightings, ...more].slice(-20)
  }

  compare(guest: ObservedGuest): readonly Drift[] {
    return this.before === undefined ? [] : classifyDrift(this.before, this.snapshot(guest))
  }

  judge(drifts: readonly Drift[], guest: ObservedGuest): readonly Judged[] {
    const { before, sightings } = this
    this.sightings = []
    if (drifts.length === 0 || before === undefined) return []
    const evidence = {
      drifts,
      before,
      after: this.snapshot(guest),
      entries: readLedger(this.host, guest.bootId).entries,
      suspects: drifts.some((drift) => isSettingDrift(drift.kind)) ? readSuspects(this.host, guest.nics) : [],
      sightings,
    }
    return drifts.map((drift) => ({ drift, writer: attribute(drift, evidence) }))
  }

  /** What these NICs show now, by name, is our own doing: as if it had been so at the last look. */
  accept(guest: ObservedGuest, names: ReadonlySet<string>): void {
    const { before } = this
    if (before === undefined) return
    const ours = this.snapshot(guest).nics.filter(({ name }) => names.has(name))
    const nics = before.nics.map((nic) => ours.find(({ ifindex }) => ifindex === nic.ifindex) ?? nic)
    this.before = { ...before, nics }
  }

  /** What these steps wrote since the last look is our own doing. */
  acceptWrites(guest: ObservedGuest, steps: readonly Step[]): void {
    if (this.before !== undefined) this.before = withOwnWrites(this.before, this.snapshot(guest), steps)
  }

  /** @returns what is remembered */
  remember(guest: ObservedGuest): GuestSnapshot {
    this.before = this.snapshot(guest)
    return this.before
  }

  private snapshot(guest: ObservedGuest): GuestSnapshot {
    if (this.looked?.guest !== guest) {
      this.looked = { guest, snapshot: snapshotOf(guest, readLedger(this.host, guest.bootId).entries) }
    }
    return this.looked.snapshot
  }
}
