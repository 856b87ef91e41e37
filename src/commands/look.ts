/** What status, plan and explain have in common: look at the whole guest, plan it, pick a NIC. */
import { loadSettings } from '../config/load'
import type { Settings } from '../config/settings'
import { exemptionsOf, findNic, LOOK_AT_ALL } from '../goals'
import { type Ledger, readLedger } from '../ledger'
import type { ObservedGuest } from '../model'
import { observeGuest } from '../observe'
import { type NicPlan, planGuest } from '../plan'
import { stepBacksOf } from '../step-back'
import type { CommandContext } from './command'

export interface Look {
  readonly settings: Settings
  readonly guest: ObservedGuest
  readonly ledger: Ledger
  /** Of the named NIC, or of all. */
  readonly plans: readonly NicPlan[]
}

/** @throws VqtuneError kind config, usage (no such NIC), or what observing throws */
export async function lookAtGuest(context: CommandContext): Promise<Look> {
  const settings = await loadSettings(context.host, context.configFile)
  const guest = await observeGuest(context.host, LOOK_AT_ALL)
  const ledger = readLedger(context.host, guest.bootId)
  const named = context.positionals[0]
  const nic = named === undefined ? undefined : findNic(guest, named)
  const plans = planGuest(
    guest,
    settings,
    exemptionsOf(guest, ledger, { respectHolds: true }),
    stepBacksOf(guest, ledger, settings),
  )
  return {
    settings,
    guest,
    ledger,
    plans: nic === undefined ? plans : plans.filter((candidate) => candidate.nic === nic),
  }
}
