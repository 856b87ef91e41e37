/** Brings one NIC to the settings of an arm the way apply would. */
import type { Settings } from '../config/settings'
import { VqtuneError } from '../errors'
import type { ObservedNic } from '../model'
import { nicByIndex } from '../planner/find-nic'
import { observeGuest } from '../planner/observe'
import { observeAll } from '../planner/operations'
import { planGuest, skipsOf, stepsOf } from '../planner/plan'
import { converge, type Operation } from '../planner/reconcile'
import type { System } from '../system/system'
import type { Arm } from './arm'
import { isVaried, withArm } from './factors'

/** Channels with their layout, and what else is varied. The ledger says already that a trial is at work. */
function armOperation(system: System, settings: Settings, nic: ObservedNic, arm: Arm): Operation {
  const fixed = withArm(settings, nic, arm)
  return {
    purpose: 'trial',
    observe: (knownMaxima) => observeGuest(system, { ...observeAll(system, fixed), knownMaxima }),
    plan(guest) {
      const plans = planGuest(guest, fixed).filter((candidate) => candidate.nic.ifindex === nic.ifindex)
      return { steps: stepsOf(plans), skips: skipsOf(plans) }
    },
    pending: () => false,
    prepare: (ledger) => ledger,
    finish: (ledger) => ledger,
  }
}

/** The caller holds the lock. @throws VqtuneError when the NIC does not get what the arm says */
export async function setArm(system: System, settings: Settings, nic: ObservedNic, arm: Arm): Promise<void> {
  const { guest, failure, skips } = await converge(system, armOperation(system, settings, nic, arm), {
    lockWaitMs: 'held',
  })
  const now = nicByIndex(guest, nic.ifindex)
  if (now === undefined) throw new VqtuneError('vanished', `${nic.name}: the NIC went away`)
  if (now.channels.current !== arm.channels) {
    const why = now.obstacle?.why ?? failure?.message ?? 'another program is changing them'
    const has = `${nic.name}: has ${now.channels.current} channels instead of ${arm.channels}`
    throw new VqtuneError('not-converged', `${has}: ${why}`)
  }
  if (failure !== undefined) throw failure
  // What the kernel refuses would be measured as if it were set.
  const refused = skips.find(({ tunable }) => tunable !== undefined && isVaried(tunable, arm))
  if (refused !== undefined) throw new VqtuneError('unsupported', `${nic.name}: ${refused.why}`)
}
