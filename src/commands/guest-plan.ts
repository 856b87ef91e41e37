/** What status, plan and explain have in common: observe the whole guest, plan it, pick a NIC. */

import { loadSettings } from '../config/load'
import type { Settings } from '../config/settings'
import { EXIT } from '../errors'
import type { ObservedGuest } from '../model'
import { findNic } from '../planner/find-nic'
import { leftByTrials } from '../planner/killed-trial'
import { type Ledger, readLedger } from '../planner/ledger'
import { observeGuest } from '../planner/observe'
import { exemptionsOf, observeAll } from '../planner/operations'
import { type NicPlan, planGuest, skipsOf, stepsOf } from '../planner/plan'
import { notJudged } from '../planner/reconcile'
import { regressionHoldsOf } from '../planner/regression-hold'
import type { CommandContext } from './command'

export interface GuestPlan {
  readonly settings: Settings
  readonly guest: ObservedGuest
  readonly ledger: Ledger
  /** Of the named NIC, or of all. */
  readonly plans: readonly NicPlan[]
}

/** @throws VqtuneError kind config, usage (no such NIC), or what observing throws */
export async function planGuestFor(context: CommandContext): Promise<GuestPlan> {
  const settings = await loadSettings(context.system, context.configFile)
  const guest = await observeGuest(context.system, {
    ...observeAll(context.system, settings),
    effectiveAffinity: true,
  })
  const ledger = readLedger(context.system, guest.bootId)
  const named = context.positionals[0]
  const nic = named === undefined ? undefined : findNic(guest, named)
  // As the operation of apply does it.
  const respectHolds = context.options.resume !== true
  const holds = [...regressionHoldsOf(guest, ledger, settings)].filter(
    ([ifindex]) => respectHolds || (nic !== undefined && nic.ifindex !== ifindex),
  )
  const exemptions = exemptionsOf(guest, ledger, { respectHolds })
  const plans = planGuest(guest, settings, exemptions, new Map(holds), leftByTrials(ledger))
  return {
    settings,
    guest,
    ledger,
    plans: nic === undefined ? plans : plans.filter((candidate) => candidate.nic === nic),
  }
}

/** The exit status of a verb that only plans. Warns when a NIC could not be judged. */
export function planExitCode(context: CommandContext, plans: readonly NicPlan[]): number {
  const failure = notJudged(skipsOf(plans))
  if (failure !== undefined) context.warn(failure.message)
  if (failure !== undefined) return failure.exitCode
  return context.options.check === true && stepsOf(plans).length > 0 ? EXIT.drift : EXIT.converged
}
