/** `vqtune plan`: what apply would change and why. Changes nothing. */

import { EXIT } from '../errors'
import { describeSkip, describeStep, describeTarget, summarise } from '../output/describe'
import { planJson, printJson } from '../output/json'
import { type NicPlan, skipsOf, stepsOf } from '../planner/plan'
import { checkQueueAffinity } from '../planner/queue-affinity'
import { notJudged } from '../planner/reconcile'
import { usableCpus } from '../planner/target'
import { plural } from '../text/plural'
import { isChannelStep } from '../tunables/engine'
import type { CommandContext } from './command'
import { type GuestPlan, planGuestFor } from './guest-plan'

export async function run(context: CommandContext): Promise<number> {
  const look = await planGuestFor(context)
  const drift = stepsOf(look.plans).length > 0
  context.out(context.options.json === true ? printJson(planJson(look.guest, look.plans)) : planText(look))
  const failure = notJudged(skipsOf(look.plans))
  if (failure !== undefined) context.warn(failure.message)
  if (failure !== undefined) return failure.exitCode
  return drift && context.options.check === true ? EXIT.drift : EXIT.converged
}

function planText({ plans, guest, settings }: GuestPlan): string {
  if (plans.length === 0) return 'no virtio-net NIC in this network namespace: nothing to do\n'
  const usable = usableCpus(guest.cpus, settings.isolated).length
  const lines = plans.flatMap((nicPlan) => [
    summarise(nicPlan, checkQueueAffinity(nicPlan.nic, nicPlan.desired)),
    `  target: ${describeTarget(nicPlan, guest.cpus.online.length, usable)}`,
    ...stepLines(nicPlan),
    ...nicPlan.plan.skips.map((skip) => `  ${describeSkip(skip)}`),
  ])
  const count = stepsOf(plans).length
  lines.push(count === 0 ? 'nothing to do' : `${plural(count, 'change')} pending: run vqtune apply`)
  return `${lines.join('\n')}\n`
}

function stepLines({ plan }: NicPlan): string[] {
  const lines = plan.steps.map((step) => `  ${describeStep(step)}  (${step.reason})`)
  if (plan.steps.some(isChannelStep)) {
    lines.push('  then IRQ affinity and XPS are checked again: the kernel resets them when channels change')
  }
  return lines
}
