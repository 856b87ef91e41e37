/** `vqtune rollback`: shows and restores the values from before the first change. */
import { DEFAULT_SETTINGS } from '../config/settings'
import { EXIT, VqtuneError } from '../errors'
import { describeOutcome, describeRollback } from '../output/apply'
import { describeSecondRound, describeStep } from '../planner/describe'
import { entryOf, readLedger } from '../planner/ledger'
import { rollbackOperation } from '../planner/operations'
import { converge, exitCodeOf } from '../planner/reconcile'
import { plural } from '../text/plural'
import { isChannelStep } from '../tunables/engine'
import { report } from './apply'
import { giveBack } from './apply-irqbalance'
import type { CommandContext } from './command'
import { resolveNicArgument } from './nic-argument'

/** It reads no configuration: a rollback must not fail for a mistake in it. */
const HISTORY_KIB = DEFAULT_SETTINGS.daemon.historySizeKib

export async function run(context: CommandContext): Promise<number> {
  const nic = await resolveNicArgument(context)
  if (context.options['dry-run'] === true) return dryRun(context, nic)
  if (context.options.irqbalance === true) return irqbalanceOnly(context, nic)
  const { system } = context
  const json = context.options.json === true
  const result = await converge(system, rollbackOperation(system, nic), {
    signal: context.signal,
    onOutcome: (outcome) => {
      if (!json) context.out(`${describeOutcome(outcome)}\n`)
    },
  })
  if (!json) await report(context, result, describeRollback(result, nic))
  // Where nothing was changed, nothing is held: such a NIC is still tuned.
  const held = result.guest.nics.filter((one) => entryOf(result.ledger, one)?.held === true)
  const asked = held.length > 0 && system.mayWrite ? await giveBack(context, held, HISTORY_KIB) : undefined
  if (json) await report(context, result, undefined, [], asked)
  return exitCodeOf(result)
}

/** Leaves all settings as they are. */
async function irqbalanceOnly(context: CommandContext, nic: string | undefined): Promise<number> {
  const { system, options } = context
  if (!system.mayWrite)
    throw new VqtuneError('permission', 'rollback --irqbalance asks irqbalance: run it as root')
  const { nics } = await rollbackOperation(system, nic).observe(new Map())
  const chosen = nic === undefined ? undefined : nics.filter(({ name }) => name === nic)
  const asked = await giveBack(context, chosen, HISTORY_KIB)
  if (options.json === true) {
    const { askedJson, printJson } = await import('../output/json')
    context.out(printJson({ irqbalance: askedJson(asked) }))
  } else if (asked.released.length === 0) context.out('irqbalance: nothing to give back\n')
  return asked.problem === undefined ? EXIT.converged : EXIT.error
}

async function dryRun(context: CommandContext, nic: string | undefined): Promise<number> {
  const operation = rollbackOperation(context.system, nic)
  const guest = await operation.observe(new Map())
  const { steps } = operation.plan(guest, readLedger(context.system, guest.bootId))
  if (context.options.json === true) {
    const { printJson, stepsJson } = await import('../output/json')
    context.out(printJson({ steps: stepsJson(steps) }))
    return EXIT.converged
  }
  const lines = steps.map((step) => `${describeStep(step)}  (${step.reason})`)
  if (steps.some(isChannelStep)) lines.push(describeSecondRound(guest.nics))
  lines.push(steps.length === 0 ? 'nothing to restore' : `${plural(steps.length, 'change')} to restore`)
  context.out(`${lines.join('\n')}\n`)
  return EXIT.converged
}
