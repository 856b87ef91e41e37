/** The output of `vqtune status`. Pure. */
import { formatCpuList } from '../kernel/cpulist'
import type { DesiredNic, ObservedGuest, ObservedIrq } from '../model'
import { describeSkip, stateOf, summarise } from '../planner/describe'
import type { NicPlan } from '../planner/plan'
import { checkQueueAffinity, describeAffinityProblem } from '../planner/queue-affinity'
import { operand } from '../text/escape'
import { paint } from '../text/paint'
import { renderTable } from '../text/table'
import { recordValues } from '../tunables/engine'
import { irqKey } from '../tunables/irq-affinity'
import { queueKey } from '../tunables/queue-files'
import { namedQueues } from '../tunables/rss-table'
import { channelsJson, skipJson, stepsJson, vcpusJson } from './json'

export function statusText(
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

export function statusJson(guest: ObservedGuest, plans: readonly NicPlan[]): object {
  return {
    vcpus: vcpusJson(guest),
    nics: plans.map(nicJson),
    ignored: guest.ignored,
  }
}

function nicJson(nicPlan: NicPlan): object {
  const { nic, desired, plan } = nicPlan
  const verdicts = checkQueueAffinity(nic, desired)
  const values = recordValues(nic)
  return {
    name: nic.name,
    altnames: nic.altnames,
    mac: nic.mac,
    ifindex: nic.ifindex,
    virtio: nic.virtio,
    bus: nic.bus,
    busAddress: nic.busAddress,
    operstate: nic.operstate,
    master: nic.master ?? null,
    features: nic.features,
    interruptLayout: nic.interruptLayout,
    vectors: nic.vectors ?? null,
    rssQueues: namedQueues(nic) ?? null,
    obstacle: nic.obstacle ?? null,
    state: stateOf(nicPlan),
    channels: channelsJson(nicPlan),
    queues: nic.queues.map((queue) => {
      const verdict = verdicts.find((candidate) => candidate.queue === queue.index)
      const group = desired.groups[queue.index]
      return {
        queue: queue.index,
        private: verdict?.private ?? false,
        problems: verdict?.problems.map(describeAffinityProblem) ?? [],
        rxIrq: irqJson(queue.rxIrq, values['irq-affinity']?.[irqKey(queue.index, 'rx')]),
        txIrq: irqJson(queue.txIrq, values['irq-affinity']?.[irqKey(queue.index, 'tx')]),
        desired: group === undefined ? null : groupJson(group),
      }
    }),
    notes: plan.notes,
    settings: nic.settings.map((setting) => ({ ...setting, file: setting.file ?? null })),
    steps: stepsJson(plan.steps),
    skips: plan.skips.map(skipJson),
  }
}

function groupJson(group: DesiredNic['groups'][number]): object {
  return { irq: formatCpuList(group.irq), xps: formatCpuList(group.xps) }
}

function irqJson(irq: ObservedIrq | undefined, affinity: string | undefined): object | null {
  if (irq === undefined) return null
  return {
    irq: irq.irq,
    name: irq.name,
    affinity: affinity ?? null,
    effective: irq.effective === undefined ? null : formatCpuList(irq.effective),
  }
}
