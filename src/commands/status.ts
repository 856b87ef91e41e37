/** `vqtune status`: one line per NIC, then the table and the map of queues to interrupts to vCPUs. */
import { readView } from '../daemon/view'
import { EXIT, VqtuneError } from '../errors'
import { describeIrqbalance, irqbalanceJson, readIrqbalanceState } from '../irqbalance/state'
import { wantedInterrupts } from '../irqbalance/wanted'
import type { ObservedIrq } from '../model'
import { describeSkip, stateOf, summarise } from '../output/describe'
import { printJson, statusJson } from '../output/json'
import { type NicPlan, skipsOf } from '../planner/plan'
import { checkQueueAffinity, describeAffinityProblem } from '../planner/queue-affinity'
import { notJudged } from '../planner/reconcile'
import { operand } from '../text/escape'
import { paint } from '../text/paint'
import { renderTable } from '../text/table'
import { recordValues } from '../tunables/engine'
import { irqKey } from '../tunables/irq-affinity'
import { queueKey } from '../tunables/steering-mask'
import type { CommandContext } from './command'
import { daemonJson, daemonText } from './daemon-view'
import { planGuestFor } from './guest-plan'
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
  const drift = plans.some((nicPlan) => stateOf(nicPlan) === 'drift')
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
  const failure = notJudged(skipsOf(plans))
  if (failure !== undefined) context.warn(failure.message)
  if (failure !== undefined) return failure.exitCode
  return drift && context.options.check === true ? EXIT.drift : EXIT.converged
}

function statusText(
  plans: readonly NicPlan[],
  ignored: readonly { name: string; why: string }[],
  color: boolean,
): string {
  const colors = paint(color)
  const lines = plans.map((nicPlan) => {
    const line = summarise(nicPlan, checkQueueAffinity(nicPlan.nic, nicPlan.desired))
    return stateOf(nicPlan) === 'drift' ? colors.warn(line) : colors.good(line)
  })
  if (plans.length === 0) lines.push('no virtio-net NIC in this network namespace')
  const parts = [`${lines.join('\n')}\n`]
  if (plans.length > 0) parts.push('\n', nicTable(plans), '\n', queueTable(plans))
  const notes = [
    ...plans.flatMap(({ plan }) => plan.skips.map(describeSkip)),
    ...plans.flatMap(({ nic, plan }) => plan.notes.map((note) => `${nic.name}: ${note}`)),
    ...ignored.map(({ name, why }) => `${name}: not a target: ${why}`),
  ]
  if (notes.length > 0) parts.push('\n', `${notes.join('\n')}\n`)
  const next = nextSteps(plans)
  if (next.length > 0) parts.push('\n', `${next.join('\n')}\n`)
  return parts.join('')
}

/** What somebody would run now, each with what it is good for. */
function nextSteps(plans: readonly NicPlan[]): readonly string[] {
  const isDrift = plans.some((nicPlan) => stateOf(nicPlan) === 'drift')
  const limited = plans.filter(({ desired }) => desired.limitedBy === 'host').map(({ nic }) => nic.name)
  return [
    ...(isDrift ? ['next: vqtune plan, what would change and why; vqtune apply, to change it'] : []),
    ...limited.map(
      (name) => `next: vqtune explain ${operand(name)}, why the host offers no more, and the remedy`,
    ),
  ]
}

/** With common names it fits 80 columns; where the NIC is, `vqtune explain` says. */
function nicTable(plans: readonly NicPlan[]): string {
  return renderTable(
    ['NIC', 'LINK', 'CHANNELS', 'TARGET', 'MAX', 'LIMITED BY', 'INTERRUPTS', 'STATE'],
    plans.map((nicPlan) => {
      const { nic, desired } = nicPlan
      return [
        nic.name,
        nic.master === undefined ? nic.operstate : `${nic.operstate} in ${nic.master}`,
        String(nic.channels.current),
        String(desired.target),
        nic.channels.maximum === undefined ? '?' : String(nic.channels.maximum),
        desired.limitedBy,
        nic.interruptLayout,
        stateOf(nicPlan),
      ]
    }),
  )
}

function queueTable(plans: readonly NicPlan[]): string {
  return renderTable(
    ['NIC', 'QUEUE', 'RX IRQ -> CPU', 'TX IRQ -> CPU', 'XPS CPU', 'PRIVATE'],
    plans.flatMap(({ nic, desired }) => {
      const verdicts = checkQueueAffinity(nic, desired)
      const { 'irq-affinity': affinity = {}, xps = {} } = recordValues(nic)
      return nic.queues.map((queue) => {
        const verdict = verdicts.find((candidate) => candidate.queue === queue.index)
        return [
          nic.name,
          String(queue.index),
          irqCell(queue.rxIrq, affinity[irqKey(queue.index, 'rx')]),
          irqCell(queue.txIrq, affinity[irqKey(queue.index, 'tx')]),
          xps[queueKey(queue.index)]?.replace(/^$/, 'none') ?? '-',
          verdict === undefined
            ? 'to be removed'
            : verdict.private
              ? 'yes'
              : `no: ${verdict.problems.map(describeAffinityProblem).join('; ')}`,
        ]
      })
    }),
  )
}

function irqCell(irq: ObservedIrq | undefined, cpus: string | undefined): string {
  return irq === undefined || cpus === undefined ? '-' : `${irq.irq} -> ${cpus}`
}
