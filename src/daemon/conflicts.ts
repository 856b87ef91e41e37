/** The daemon's conflicts with other writers, and the NICs that are suspended because of them. */
import { nicSettings, type Settings } from '../config/settings'
import {
  afterReversal,
  type ConflictState,
  type ConflictVerdict,
  isBackedOff,
  noConflict,
  policyOf,
  withTime,
} from '../drift/conflict'
import type { ConflictPolicy, ObservedGuest } from '../model'
import type { Ledger } from '../planner/ledger'
import type { Exemptions } from '../planner/plan'
import { type Clock, timeOfDay } from './clock'
import type { Suspension } from './view'

/** An interface index is not given to another NIC before all others were. */
const KEPT_AWAY = 64

export class Conflicts {
  private states = new Map<number, ConflictState>()

  restore(states: readonly ConflictState[]): void {
    this.states = new Map(states.map((state) => [state.ifindex, state]))
  }

  get all(): readonly ConflictState[] {
    return [...this.states.values()]
  }

  /** Ends those that came from another policy than the present one. */
  keepFitting({ nics }: Pick<ObservedGuest, 'nics'>, settings: Settings): void {
    for (const nic of nics) {
      const policy = this.states.get(nic.ifindex)?.policy
      const present = policyOf(nicSettings(settings, nic).onConflict, settings.daemon)
      if (policy !== undefined && policy !== present) this.end(nic.ifindex)
    }
  }

  /** Ends those that an administrator's apply has ended since. */
  resume({ entries }: Pick<Ledger, 'entries'>): void {
    for (const { ifindex, resumedMs = 0 } of entries) {
      const state = this.states.get(ifindex)
      if (state === undefined) continue
      // Reversals since then count: the conflict begins anew.
      if (resumedMs > (state.sinceMs ?? state.reversals.at(-1) ?? 0)) this.end(ifindex)
    }
  }

  /** Of NICs that are out of view only so many are remembered. */
  forgetGone({ nics }: Pick<ObservedGuest, 'nics'>): void {
    const present = new Set(nics.map(({ ifindex }) => ifindex))
    const away = [...this.states.keys()].filter((ifindex) => !present.has(ifindex))
    for (const ifindex of away.slice(0, Math.max(0, away.length - KEPT_AWAY))) this.end(ifindex)
  }

  end(ifindex: number): void {
    this.states.delete(ifindex)
  }

  /** Drops conflicts that have expired. */
  age(settings: Settings, now: number): void {
    for (const [ifindex, state] of this.states) {
      this.states.set(ifindex, withTime(state, settings.daemon, now))
    }
  }

  /** Whether nothing is written to the NIC, by policy or during a back-off. */
  isSuspended(ifindex: number, now: number): boolean {
    const state = this.states.get(ifindex)
    return state !== undefined && (state.suspended !== undefined || isBackedOff(state, now))
  }

  /** Records that another writer changed a setting back. */
  reversed(
    ifindex: number,
    policy: ConflictPolicy,
    otherWriter: string,
    settings: Settings,
    now: number,
  ): ConflictVerdict {
    const state = this.states.get(ifindex) ?? noConflict(ifindex)
    const next = afterReversal(state, policy, otherWriter, settings.daemon, now)
    this.states.set(ifindex, next.state)
    return next.verdict
  }

  /** The suspended NICs, with the reason in words. */
  suspended(guest: ObservedGuest, clock: Clock): readonly Suspension[] {
    return guest.nics.flatMap(({ name: nic, ifindex }): Suspension[] => {
      const state = this.states.get(ifindex)
      if (state === undefined) return []
      const otherWriter = state.otherWriter ?? 'unknown'
      const who = otherWriter === 'unknown' ? 'an unknown writer' : otherWriter
      if (state.suspended !== undefined) {
        return [{ nic, otherWriter, until: null, why: `changed by ${who}: suspended by on-conflict` }]
      }
      if (state.backoffUntil === undefined || !isBackedOff(state, clock.uptime())) return []
      const until = timeOfDay(clock, state.backoffUntil)
      return [{ nic, otherWriter, until, why: `conflict with ${who}: backed off until ${until}` }]
    })
  }

  /** The same for the planner, by NIC name. */
  exemptions(guest: ObservedGuest, clock: Clock): Exemptions {
    return new Map(this.suspended(guest, clock).map(({ nic, why }) => [nic, { code: 'yielded', why }]))
  }

  /** Milliseconds until the first back-off is over; undefined without one. */
  nextReturnMs(now: number): number | undefined {
    const waits = this.all
      .filter((state) => isBackedOff(state, now))
      .map((state) => Math.max(0, (state.backoffUntil ?? now) - now) + 100)
    return waits.length === 0 ? undefined : Math.min(...waits)
  }
}
