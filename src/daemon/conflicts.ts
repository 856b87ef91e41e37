/** What the daemon knows of its conflicts: NICs that others write to, and those that are left alone for it. */
import type { Settings } from '../config/settings'
import {
  afterReversal,
  type ConflictState,
  isAway,
  peaceWith,
  type Verdict,
  withTime,
} from '../drift/conflict'
import type { ConflictPolicy, ObservedGuest } from '../model'
import type { Exemptions } from '../plan'
import { type Clock, timeOfDay } from './clock'
import type { LeftAlone } from './view'

export class Conflicts {
  private states = new Map<number, ConflictState>()

  /** By interface index; those of NICs that are gone do no harm and end with the next look. */
  restore(states: readonly ConflictState[]): void {
    this.states = new Map(states.map((state) => [state.ifindex, state]))
  }

  get all(): readonly ConflictState[] {
    return [...this.states.values()]
  }

  forget(): void {
    this.states.clear()
  }

  end(ifindex: number): void {
    this.states.delete(ifindex)
  }

  /** Forgets what time has healed. */
  age(settings: Settings, now: number): void {
    for (const [ifindex, state] of this.states) {
      this.states.set(ifindex, withTime(state, settings.daemon, now))
    }
  }

  /** Nothing is written to the NIC, by policy or after a fight. */
  isLeftAlone(ifindex: number, now: number): boolean {
    const state = this.states.get(ifindex)
    return state !== undefined && (state.leftAlone !== undefined || isAway(state, now))
  }

  /** Another writer reversed us. */
  reversed(ifindex: number, policy: ConflictPolicy, rival: string, settings: Settings, now: number): Verdict {
    const state = this.states.get(ifindex) ?? peaceWith(ifindex)
    const next = afterReversal(state, policy, rival, settings.daemon, now)
    this.states.set(ifindex, next.state)
    return next.verdict
  }

  /** NICs to leave alone, for people. */
  leftAlone(guest: ObservedGuest, clock: Clock): readonly LeftAlone[] {
    return guest.nics.flatMap(({ name: nic, ifindex }): LeftAlone[] => {
      const state = this.states.get(ifindex)
      if (state === undefined) return []
      const rival = state.rival ?? 'unknown'
      const who = rival === 'unknown' ? 'an unknown writer' : rival
      if (state.leftAlone !== undefined) {
        return [{ nic, rival, until: null, why: `changed by ${who}: left alone by on-conflict` }]
      }
      if (state.awayUntil === undefined || !isAway(state, clock.uptime())) return []
      const until = timeOfDay(clock, state.awayUntil)
      return [{ nic, rival, until, why: `fight with ${who}: left alone until ${until}` }]
    })
  }

  /** The same for planning, by name. */
  exemptions(guest: ObservedGuest, clock: Clock): Exemptions {
    return new Map(this.leftAlone(guest, clock).map(({ nic, why }) => [nic, { code: 'yielded', why }]))
  }

  /** Milliseconds until the first back-off is over; undefined without one. */
  nextReturnMs(now: number): number | undefined {
    const waits = this.all
      .filter((state) => isAway(state, now))
      .map((state) => Math.max(0, (state.awayUntil ?? now) - now) + 100)
    return waits.length === 0 ? undefined : Math.min(...waits)
  }
}
