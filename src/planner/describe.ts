/** Sentences about steps, skips and targets, the same in every command. Pure. */

import type { DesiredNic, LimitingFactor, ObservedNic, Skip, Step } from '../model'
import { plural } from '../text/plural'
import { showChange } from '../tunables/engine'
import type { NicPlan } from './plan'
import type { QueueAffinity } from './queue-affinity'
import { MAX_CHANNELS } from './target'

/** `ens3: channels 2 -> 4`, `ens3: queue 0 rx IRQ 26 CPU 0-1 -> 0` */
export function describeStep(step: Step): string {
  return `${step.nic}: ${showChange(step)}`
}

/** `ens3: irq-affinity skipped: ...` */
export function describeSkip(skip: Skip): string {
  return `${skip.nic}: ${skip.tunable ?? 'NIC'} skipped: ${skip.why}`
}

/** What follows a change of channels; all NICs of a guest have one driver. */
export function describeSecondRound(nics: readonly Pick<ObservedNic, 'selectsQueueByCpu'>[]): string {
  return nics.every((nic) => nic.selectsQueueByCpu === true)
    ? 'then IRQ affinity is checked again: other queues have other interrupts'
    : 'then IRQ affinity and XPS are checked again: the kernel resets them when channels change'
}

/** The limiting factor: after a count that is reached, and in one or two words after a target that is not. */
const FACTORS: Record<LimitingFactor, { readonly reached: string; readonly pending: string }> = {
  vcpus: { reached: 'one per vCPU', pending: 'vCPUs' },
  host: { reached: 'the maximum of the host', pending: 'host maximum' },
  policy: { reached: 'set by the configuration', pending: 'configuration' },
  isolated: { reached: 'one per vCPU that is not isolated', pending: 'vCPUs that are not isolated' },
  driver: { reached: 'the maximum that the driver accepts', pending: 'driver maximum' },
  guard: { reached: 'reduced by the guard', pending: 'guard' },
  xdp: { reached: 'kept, XDP is attached', pending: 'XDP' },
  'af-xdp': { reached: 'kept, an AF_XDP socket is bound', pending: 'AF_XDP' },
  'rss-table': { reached: 'kept, the RSS table uses the queues', pending: 'RSS table' },
  'flow-rules': { reached: 'kept, flow rules use the queues', pending: 'flow rules' },
  'memory-provider': { reached: 'kept, a program receives into its own memory', pending: 'memory provider' },
  suspended: { reached: 'kept, the device is suspended', pending: 'device suspended' },
  refused: { reached: 'kept, the kernel refused', pending: 'refused' },
  unsupported: { reached: 'kept, the driver does not support setting channels', pending: 'unsupported' },
  'unknown-maximum': { reached: 'kept, the maximum of the host is unknown', pending: 'maximum unknown' },
}

export function describeLimit(factor: LimitingFactor): string {
  return FACTORS[factor].reached
}

/** The calculation of the target: `min(vCPUs 4, host 2) = 2`. */
export function describeTarget(nicPlan: NicPlan, vcpus: number, usable: number): string {
  const { nic, settings, desired } = nicPlan
  // A fixed count may include isolated CPUs.
  const isReduced = usable !== vcpus && settings.channels === undefined
  const terms = [
    `vCPUs ${vcpus}`,
    ...(isReduced ? [`not isolated ${usable}`] : []),
    ...(nic.channels.maximum === undefined ? [] : [`host ${nic.channels.maximum}`]),
    ...(settings.cap === undefined ? [] : [`cap ${settings.cap}`]),
    ...(settings.channels === undefined ? [] : [`fixed ${settings.channels}`]),
    ...(vcpus > MAX_CHANNELS ? [`driver ${MAX_CHANNELS}`] : []),
  ]
  return `min(${terms.join(', ')}) = ${desired.idealChannels}`
}

/** One word for the NIC as a whole. */
export const NIC_STATES = ['converged', 'drift', 'skipped'] as const
export type NicState = (typeof NIC_STATES)[number]

export function stateOf({ plan }: NicPlan): NicState {
  return stateFrom(plan.steps.length, plan.skips)
}

/** @param pending how many settings differ; of a NIC that is left alone as a whole it does not matter */
export function stateFrom(pending: number, skips: readonly Pick<Skip, 'tunable'>[]): NicState {
  if (skips.some(({ tunable }) => tunable === undefined)) return 'skipped'
  if (pending > 0) return 'drift'
  return skips.some(({ tunable }) => tunable === 'channels') ? 'skipped' : 'converged'
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
      : `${plural(current, 'channel')}, target ${desired.target} (${FACTORS[desired.limitedBy].pending})`
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
