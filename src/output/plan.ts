import type { ObservedGuest } from '../model'
import {
  describeSecondRound,
  describeSkip,
  describeStep,
  describeTarget,
  stateOf,
  summarise,
} from '../planner/describe'
import { type NicPlan, stepsOf } from '../planner/plan'
import { checkQueueAffinity } from '../planner/queue-affinity'
import { plural } from '../text/plural'
import { isChannelStep } from '../tunables/engine'
import { channelsJson, skipJson, stepsJson, vcpusJson } from './json'

/** @param usable vCPUs that are online and not kept free */
export function planText({ cpus }: ObservedGuest, plans: readonly NicPlan[], usable: number): string {
  if (plans.length === 0) return 'no virtio-net NIC in this network namespace: nothing to do\n'
  const lines = plans.flatMap((nicPlan) => [
    summarise(nicPlan, checkQueueAffinity(nicPlan.nic, nicPlan.desired)),
    `  target: ${describeTarget(nicPlan, cpus.online.length, usable)}`,
    ...stepLines(nicPlan),
    ...nicPlan.plan.skips.map((skip) => `  ${describeSkip(skip)}`),
  ])
  const count = stepsOf(plans).length
  lines.push(count === 0 ? 'nothing to do' : `${plural(count, 'change')} pending: run vqtune apply`)
  return `${lines.join('\n')}\n`
}

function stepLines({ nic, plan }: NicPlan): string[] {
  const lines = plan.steps.map((step) => `  ${describeStep(step)}  (${step.reason})`)
  if (plan.steps.some(isChannelStep)) {
    lines.push(`  ${describeSecondRound([nic])}`)
  }
  return lines
}

export function planJson(guest: ObservedGuest, plans: readonly NicPlan[]): object {
  return {
    vcpus: vcpusJson(guest),
    nics: plans.map((nicPlan) => ({
      name: nicPlan.nic.name,
      state: stateOf(nicPlan),
      channels: channelsJson(nicPlan),
      steps: stepsJson(nicPlan.plan.steps),
      skips: nicPlan.plan.skips.map(skipJson),
    })),
  }
}
