/** `vqtune plan`: what apply would change and why. Changes nothing. */
import { printJson } from '../output/json'
import { planJson, planText } from '../output/plan'
import { usableCpus } from '../planner/target'
import type { CommandContext } from './command'
import { planExitCode, planGuestFor } from './guest-plan'

export async function run(context: CommandContext): Promise<number> {
  const { guest, plans, settings } = await planGuestFor(context)
  const usable = usableCpus(guest.cpus, settings.isolated).length
  context.out(
    context.options.json === true ? printJson(planJson(guest, plans)) : planText(guest, plans, usable),
  )
  return planExitCode(context, plans)
}
