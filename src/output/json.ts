/** The stable JSON forms; src/output/schemas is their contract. Pure. */

import type { Asked } from '../irqbalance/ask'
import { irqbalanceJson } from '../irqbalance/state'
import { formatCpuList } from '../kernel/cpulist'
import type { DesiredNic, ObservedGuest, ObservedIrq, Skip, Step } from '../model'
import type { NicPlan } from '../planner/plan'
import { checkQueueAffinity, describeAffinityProblem } from '../planner/queue-affinity'
import type { Convergence } from '../planner/reconcile'
import { recordValues } from '../tunables/engine'
import { irqKey } from '../tunables/irq-affinity'
import { namedQueues } from '../tunables/rss-table'
import { stateOf } from './describe'

/** Raised when a field changes its meaning or is removed; not for new fields. */
export const JSON_VERSION = 1

export function printJson(value: object): string {
  return `${JSON.stringify({ version: JSON_VERSION, ...value }, undefined, 2)}\n`
}

/** `vqtune status --json` */
export function statusJson(guest: ObservedGuest, plans: readonly NicPlan[]): object {
  return {
    vcpus: { online: formatCpuList(guest.cpus.online), isolated: formatCpuList(guest.cpus.isolated) },
    nics: plans.map(nicJson),
    ignored: guest.ignored,
  }
}

/** `vqtune plan --json` */
export function planJson(guest: ObservedGuest, plans: readonly NicPlan[]): object {
  return {
    vcpus: { online: formatCpuList(guest.cpus.online), isolated: formatCpuList(guest.cpus.isolated) },
    nics: plans.map((nicPlan) => ({
      name: nicPlan.nic.name,
      state: stateOf(nicPlan),
      channels: channelsJson(nicPlan),
      steps: stepsJson(nicPlan.plan.steps),
      skips: nicPlan.plan.skips.map(skipJson),
    })),
  }
}

/** A NIC that lost connectivity with its new channels; see confirm/confirm.ts. */
interface Loss {
  readonly nic: string
  readonly from: number
  readonly channels: number
  readonly why: string
  readonly failure: string | undefined
}

/** `vqtune apply --json`, `vqtune rollback --json` */
export function convergenceJson(
  result: Convergence,
  losses: readonly Loss[] = [],
  asked: Asked | undefined = undefined,
): object {
  return {
    converged: result.failure === undefined && losses.length === 0,
    outcomes: result.outcomes.map(({ step, result: outcome, why, at }) => ({
      ...stepJson(step),
      result: outcome,
      why: why ?? null,
      at,
    })),
    skips: result.skips.map(skipJson),
    missing: stepsJson(result.missing),
    reverted: losses.map((loss) => ({ ...loss, failure: loss.failure ?? null })),
    irqbalance: askedJson(asked),
    failure:
      result.failure === undefined ? null : { kind: result.failure.kind, message: result.failure.message },
  }
}

/** What irqbalance was asked for. */
export function askedJson(asked: Asked | undefined): object | null {
  if (asked?.pid === undefined) return null
  const { pid, nics, problem } = asked
  return irqbalanceJson({ pid, nics, problem })
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

function channelsJson({ nic, desired }: NicPlan): object {
  return {
    current: nic.channels.current,
    target: desired.target,
    ideal: desired.idealChannels,
    maximum: nic.channels.maximum ?? null,
    limitedBy: desired.limitedBy,
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

function stepJson(step: Step): object {
  return { ...step, file: step.file ?? null }
}

export function stepsJson(steps: readonly Step[]): object[] {
  return steps.map(stepJson)
}

function skipJson(skip: Skip): object {
  return { ...skip, tunable: skip.tunable ?? null }
}
