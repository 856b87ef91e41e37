/** Sentences about steps, skips and targets, the same in every command. Pure. */

import { formatCpuList } from '../kernel/cpulist'
import type { DesiredNic, LimitingFactor, ObservedNic, Skip, Step } from '../model'
import type { NicPlan } from '../planner/plan'
import type { QueueAffinity } from '../planner/queue-affinity'
import { plural } from '../text/plural'

/** `ens3: channels 2 -> 4` */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'set-channels':
      return `${step.nic}: channels ${step.old} -> ${step.new}`
    case 'set-irq-affinity':
      return `${step.nic}: queue ${step.queue} ${step.direction} IRQ ${step.irq} CPU ${cpus(step.old)} -> ${cpus(step.new)}`
    case 'set-xps':
      return `${step.nic}: queue ${step.queue} XPS CPU ${cpus(step.old)} -> ${cpus(step.new)}`
  }
}

function cpus(list: readonly number[]): string {
  return list.length === 0 ? 'none' : formatCpuList(list)
}

/** `ens3: irq-affinity skipped: ...` */
export function describeSkip(skip: Skip): string {
  return `${skip.nic}: ${skip.tunable ?? 'NIC'} skipped: ${skip.why}`
}

const LIMIT_TEXT: Record<LimitingFactor, string> = {
  vcpus: 'one for each vCPU',
  host: 'all that the host exposes',
  policy: 'set by the configuration',
  isolated: 'one for each vCPU that is not isolated',
  driver: 'the most that the driver takes',
  guard: 'stepped back by the guard',
  xdp: 'kept, XDP is attached',
  'af-xdp': 'kept, an AF_XDP socket is bound',
  'rss-table': 'kept, the RSS table uses the queues',
  'flow-rules': 'kept, flow rules use the queues',
  suspended: 'kept, the device is suspended',
  refused: 'kept, the kernel refused',
  unsupported: 'kept, the driver takes no channels',
  'unknown-maximum': 'kept, the maximum of the host is unknown',
}

export function describeLimit(factor: LimitingFactor): string {
  return LIMIT_TEXT[factor]
}

/** The arithmetic of the target: `min(vCPUs 4, host 2) = 2`. */
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
export type NicState = 'converged' | 'drift' | 'skipped'

export function stateOf({ plan }: NicPlan): NicState {
  if (plan.steps.length > 0) return 'drift'
  return plan.skips.some((skip) => skip.tunable === undefined || skip.tunable === 'channels')
    ? 'skipped'
    : 'converged'
}

/** `ens3: 4 of 4 channels (one for each vCPU), every queue private` */
export function summarise(nicPlan: NicPlan, verdicts: readonly QueueAffinity[]): string {
  const { nic, desired, plan } = nicPlan
  const count = `${nic.name}: ${nic.channels.current} of ${desired.target} channels (${describeLimit(desired.limitedBy)})`
  const privacy = describePrivacy(nic, desired, verdicts)
  if (plan.steps.length > 0) return `${count}, ${privacy}: ${plural(plan.steps.length, 'change')} missing`
  const whole = plan.skips.find((skip) => skip.tunable === undefined)
  return whole === undefined ? `${count}, ${privacy}` : `${count}: left alone, ${whole.why}`
}

function describePrivacy(nic: ObservedNic, desired: DesiredNic, verdicts: readonly QueueAffinity[]): string {
  if (nic.channels.current === 1 && desired.target === 1) return 'a single queue'
  const own = verdicts.filter((verdict) => verdict.private).length
  return own === verdicts.length ? 'every queue private' : `${own} of ${verdicts.length} queues private`
}
