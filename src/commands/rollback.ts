/** `vqtune rollback`: shows and restores the values from before the first change. */
import { EXIT } from '../errors'
import { describeStep } from '../output/describe'
import { describeOutcome, describeRollback } from '../output/describe-apply'
import { readLedger } from '../planner/ledger'
import { rollbackOperation } from '../planner/operations'
import { converge, exitCodeOf } from '../planner/reconcile'
import { plural } from '../text/plural'
import { isChannelStep } from '../tunables/engine'
import { report } from './apply'
import type { CommandContext } from './command'
import { resolveNicArgument } from './nic-argument'

export async function run(context: CommandContext): Promise<number> {
  const nic = await resolveNicArgument(context)
  if (context.options['dry-run'] === true) return dryRun(context, nic)
  const json = context.options.json === true
  const result = await converge(context.system, rollbackOperation(context.system, nic), {
    signal: context.signal,
    onOutcome: (outcome) => {
      if (!json) context.out(`${describeOutcome(outcome)}\n`)
    },
  })
  await report(context, result, json ? undefined : describeRollback(result, nic))
  return exitCodeOf(result)
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
  if (steps.some(isChannelStep)) {
    lines.push('then IRQ affinity and XPS are compared again: the kernel resets them when channels change')
  }
  lines.push(steps.length === 0 ? 'nothing to restore' : `${plural(steps.length, 'change')} to restore`)
  context.out(`${lines.join('\n')}\n`)
  return EXIT.converged
}
