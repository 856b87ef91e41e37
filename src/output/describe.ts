/** Sentences about steps, skips and targets, the same in every command. Pure. */

import type { DesiredNic, LimitingFactor, ObservedNic, Skip, Step } from '../model'
import type { NicPlan } from '../planner/plan'
import type { QueueAffinity } from '../planner/queue-affinity'
import { plural } from '../text/plural'
import { showChange } from '../tunables/engine'

/** `ens3: channels 2 -> 4`, `ens3: queue 0 rx IRQ 26 CPU 0-1 -> 0` */
export function describeStep(step: Step): string {
  return `${step.nic}: ${showChange(step)}`
}

/** `ens3: irq-affinity skipped: ...` */
export function describeSkip(skip: Skip): string {
  return `${skip.nic}: ${skip.tunable ?? 'NIC'} skipped: ${skip.why}`
}

const LIMIT_TEXT: Record<LimitingFactor, string> = {
  vcpus: 'one per vCPU',
  host: 'the maximum of the host',
  policy: 'set by the configuration',
  isolated: 'one per vCPU that is not isolated',
  driver: 'the maximum that the driver accepts',
  guard: 'reduced by the guard',
  xdp: 'kept, XDP is attached',
  'af-xdp': 'kept, an AF_XDP socket is bound',
  'rss-table': 'kept, the RSS table uses the queues',
  'flow-rules': 'kept, flow rules use the queues',
  suspended: 'kept, the device is suspended',
  refused: 'kept, the kernel refused',
  unsupported: 'kept, the driver does not support setting channels',
}

/** The limiting factor in one or two words, shown after a target that is not reached. */
const FACTOR_TEXT: Record<LimitingFactor, string> = {
  vcpus: 'vCPUs',
  host: 'host maximum',
  policy: 'configuration',
  isolated: 'vCPUs that are not isolated',
  driver: 'driver maximum',
  guard: 'guard',
  xdp: 'XDP',
  'af-xdp': 'AF_XDP',
  'rss-table': 'RSS table',
  'flow-rules': 'flow rules',
  suspended: 'device suspended',
  refused: 'refused',
  unsupported: 'unsupported',
}

export function describeLimit(factor: LimitingFactor): string {
  return LIMIT_TEXT[factor]
}

/** The calculation of the target: `min(vCPUs 4, host 2) = 2`. */
export function describeTarget(nicPlan: NicPlan, vcpus: number, usable: number): string {
  const { nic, settings, desired } = nicPlan
  const terms = [
    `vCPUs ${vcpus}`,
    ...(usable === vcpus ? [] : [`not isolated ${usable}`]),
    ...(nic.channels.maximum === undefined ? [] : [`host ${nic.channels.maximum}`]),
    ...(settings.cap === undefined ? [] : [`cap ${settings.cap}`]),
    ...(settings.channels === undefined ? [] : [`fixed ${settings.channels}`]),
  ]
  return `min(${terms.join(', ')}) = ${desired.idealChannels}`
}

/** One word for the NIC as a whole. */
export const NIC_STATES = ['converged', 'drift', 'skipped'] as const
export type NicState = (typeof NIC_STATES)[number]

export function stateOf({ plan }: NicPlan): NicState {
  if (plan.steps.length > 0) return 'drift'
  return plan.skips.some((skip) => skip.tunable === undefined || skip.tunable === 'channels')
    ? 'skipped'
    : 'converged'
}

/**
 * `ens3: 4 channels (one per vCPU), every queue private`;
 * `ens3: 2 channels, target 4 (vCPUs), every queue private; 1 change pending`
 */
export function summarise(nicPlan: NicPlan, verdicts: readonly QueueAffinity[]): string {
  const { nic, desired, plan } = nicPlan
  const { current } = nic.channels
  const count =
    current === desired.target
      ? `${plural(current, 'channel')} (${describeLimit(desired.limitedBy)})`
      : `${plural(current, 'channel')}, target ${desired.target} (${FACTOR_TEXT[desired.limitedBy]})`
  const line = `${nic.name}: ${count}, ${describePrivacy(nic, desired, verdicts)}`
  if (plan.steps.length > 0) return `${line}; ${plural(plan.steps.length, 'change')} pending`
  const whole = plan.skips.find((skip) => skip.tunable === undefined)
  return whole === undefined ? line : `${line}; not tuned: ${whole.why}`
}

function describePrivacy(nic: ObservedNic, desired: DesiredNic, verdicts: readonly QueueAffinity[]): string {
  if (nic.channels.current === 1 && desired.target === 1) return 'a single queue'
  const own = verdicts.filter((verdict) => verdict.private).length
  return own === verdicts.length ? 'every queue private' : `${own} of ${verdicts.length} queues private`
}
