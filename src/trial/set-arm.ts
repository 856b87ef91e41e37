/** Brings one NIC to a number of channels the way apply would. */
import type { Settings } from '../config/settings'
import { VqtuneError } from '../errors'
import type { ObservedNic } from '../model'
import { nicByIndex } from '../planner/find-nic'
import { observeGuest } from '../planner/observe'
import { observeAll } from '../planner/operations'
import { planGuest, skipsOf, stepsOf } from '../planner/plan'
import { converge, type Operation } from '../planner/reconcile'
import type { System } from '../system/system'

/** The settings with a rule on top that fixes the channels of one NIC. */
function withFixedChannels(settings: Settings, { virtio }: ObservedNic, channels: number): Settings {
  const rule = {
    match: { virtio },
    settings: { enabled: true, cap: undefined, channels },
    source: 'trial',
  }
  return { ...settings, rules: [...settings.rules, rule] }
}

/** That count with its layout. The ledger says already that a trial is at work. */
function fixedCountOperation(system: System, settings: Settings, nic: ObservedNic, count: number): Operation {
  const fixed = withFixedChannels(settings, nic, count)
  return {
    purpose: 'trial',
    observe: (knownMaxima) => observeGuest(system, { ...observeAll(settings), knownMaxima }),
    plan(guest) {
      const plans = planGuest(guest, fixed).filter((candidate) => candidate.nic.ifindex === nic.ifindex)
      return { steps: stepsOf(plans), skips: skipsOf(plans) }
    },
    pending: () => false,
    prepare: (ledger) => ledger,
    finish: (ledger) => ledger,
  }
}

/** The caller holds the lock. @throws VqtuneError when the NIC does not get the count with its layout */
export async function setCount(
  system: System,
  settings: Settings,
  nic: ObservedNic,
  count: number,
): Promise<void> {
  const operation = fixedCountOperation(system, settings, nic, count)
  const { guest, failure } = await converge(system, operation, { lockWaitMs: 'held' })
  const now = nicByIndex(guest, nic.ifindex)
  if (now === undefined) throw new VqtuneError('vanished', `${nic.name}: the NIC went away`)
  if (now.channels.current !== count) {
    const why = now.obstacle?.why ?? failure?.message ?? 'another program is changing them'
    const has = `${nic.name}: has ${now.channels.current} channels instead of ${count}`
    throw new VqtuneError('not-converged', `${has}: ${why}`)
  }
  if (failure !== undefined) throw failure
}
