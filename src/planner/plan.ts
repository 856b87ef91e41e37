/** Plan: from what is observed and what policy says to the writes that are missing. Pure. */

import { isUndecided } from '../config/match'
import type { Settings } from '../config/settings'
import { nicSettings } from '../config/settings'
import type {
  CpuList,
  DesiredNic,
  NicSettings,
  ObservedGuest,
  ObservedNic,
  Plan,
  RecordedValues,
  RegressionHold,
  SettingHolds,
  Skip,
  Step,
} from '../model'
import { planSettings, restoreKept } from '../tunables/engine'
import type { CpuLoad } from './layout'
import { desiredState, usableCpus } from './target'

/** Everything known about one NIC after planning. */
export interface NicPlan {
  readonly nic: ObservedNic
  readonly settings: NicSettings
  readonly desired: DesiredNic
  readonly plan: Plan
}

/** NICs not to be tuned for a reason outside the configuration, by name. */
export type Exemptions = ReadonlyMap<string, Pick<Skip, 'code' | 'why'>>

/** What the guard took back on one NIC. */
export interface NicHolds {
  readonly channels: RegressionHold | undefined
  readonly settings: SettingHolds
}

/** By interface index. */
export type RegressionHolds = ReadonlyMap<number, NicHolds>

/** Values from before a killed trial of what it varied, by interface index. */
export type LeftByTrials = ReadonlyMap<number, RecordedValues>

/** Plans every NIC, in interface index order. Idempotent: a converged guest needs no steps. */
export function planGuest(
  guest: ObservedGuest,
  settings: Settings,
  exemptions: Exemptions = new Map(),
  regressionHolds: RegressionHolds = new Map(),
  left: LeftByTrials = new Map(),
): readonly NicPlan[] {
  const load: CpuLoad = new Map()
  const usable = usableCpus(guest.cpus, settings.isolated)
  return guest.nics.map((nic) => {
    const policy = nicSettings(settings, nic)
    const holds = regressionHolds.get(nic.ifindex)
    const regressionHold = holds?.channels
    const desired = desiredState(nic, guest.cpus, settings.isolated, policy, load, regressionHold?.to)
    const exempt = policy.enabled
      ? (undecided(settings, nic) ?? exemptions.get(nic.name))
      : ({ code: 'disabled', why: 'enabled = false in the configuration' } as const)
    const plan: Plan =
      exempt === undefined
        ? withRestored(
            planSettings({
              ...{ nic, desired, settings: policy, usable, regressionHold },
              ...{ settingHolds: holds?.settings, online: guest.cpus.online },
              flowEntries: guest.flowEntries,
            }),
            { nic, settings: policy, online: guest.cpus.online },
            left.get(nic.ifindex),
          )
        : { steps: [], skips: [{ nic: nic.name, tunable: undefined, ...exempt }], notes: [] }
    return { nic, settings: policy, desired, plan }
  })
}

/** With what a killed trial varied and the configuration leaves alone. */
function withRestored(
  plan: Plan,
  {
    nic,
    settings,
    online,
  }: { readonly nic: ObservedNic; readonly settings: NicSettings; readonly online: CpuList },
  before: RecordedValues | undefined,
): Plan {
  if (before === undefined) return plan
  const restored = restoreKept(nic, before, settings, online, 'as it was before a trial that was killed')
  return { ...plan, steps: [...plan.steps, ...restored] }
}

/** A rule that may forbid the plan must not be ignored because `ip` fails. */
function undecided(settings: Settings, nic: ObservedNic): Pick<Skip, 'code' | 'why'> | undefined {
  const rule = settings.rules.find(({ match }) => isUndecided(match, nic))
  if (rule === undefined) return undefined
  const why = `ip fails, so it is unknown whether the rule in ${rule.source} applies to it`
  return { code: 'undecided-rule', why }
}

export function stepsOf(plans: readonly NicPlan[]): readonly Step[] {
  return plans.flatMap((nicPlan) => nicPlan.plan.steps)
}

export function skipsOf(plans: readonly NicPlan[]): readonly Skip[] {
  return plans.flatMap((nicPlan) => nicPlan.plan.skips)
}
