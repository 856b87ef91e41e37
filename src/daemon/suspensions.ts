/** What the daemon has suspended, for other vqtune processes, also while it is not running. */
import type { Settings } from '../config/settings'
import type { ObservedGuest } from '../model'
import { readLedger } from '../planner/ledger'
import type { Exemptions } from '../planner/plan'
import type { System } from '../system/system'
import { type Clock, systemClock } from './clock'
import { Conflicts } from './conflicts'
import { readState } from './state'

/** By name; those that came from another policy than the present one, or that an apply has ended, are none. */
export function suspensionsOf(
  system: System,
  settings: Settings,
  guest: ObservedGuest,
  clock: Clock = systemClock,
): Exemptions {
  const conflicts = new Conflicts()
  const state = readState(system, guest.bootId)
  if (typeof state === 'object') conflicts.restore(state.conflicts)
  conflicts.keepFitting(guest, settings)
  conflicts.resume(readLedger(system, guest.bootId))
  return conflicts.exemptions(guest, clock)
}
