/** `vqtune status`: one line per NIC, then the table and the map of queues to interrupts to vCPUs. */

import { readView } from '../daemon/view'
import { VqtuneError } from '../errors'
import { describeIrqbalance, irqbalanceJson, readIrqbalanceState } from '../irqbalance/state'
import { wantedInterrupts } from '../irqbalance/wanted'
import { daemonJson, daemonText } from '../output/daemon-view'
import { printJson } from '../output/json'
import { statusJson, statusText } from '../output/status'
import type { CommandContext } from './command'
import { planExitCode, planGuestFor } from './guest-plan'
import { numberOption } from './number-option'
import { watch } from './watch'

export async function run(context: CommandContext): Promise<number> {
  const seconds = numberOption(context.options, 'watch', 0, 1, 3600)
  if (seconds === 0) return show(context)
  if (context.options.json === true)
    throw new VqtuneError('usage', 'status: --watch shows text and cannot be combined with --json')
  return watch(context, seconds, show)
}

async function show(context: CommandContext): Promise<number> {
  const { guest, plans } = await planGuestFor(context)
  const view = readView(context.system)
  const irqbalance = readIrqbalanceState(context.system, wantedInterrupts(plans))
  if (context.options.json === true) {
    context.out(
      printJson({
        ...statusJson(guest, plans),
        irqbalance: irqbalanceJson(irqbalance),
        daemon: daemonJson(view),
      }),
    )
  } else {
    const asked = irqbalance === undefined ? '' : `${describeIrqbalance(irqbalance)}\n`
    context.out(`${statusText(plans, guest.ignored, context.color)}\n${asked}${daemonText(view)}`)
  }
  return planExitCode(context, plans)
}
