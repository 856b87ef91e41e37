/** JSON that several verbs print; src/output/schemas is the contract. Pure. */

import type { Asked } from '../irqbalance/ask'
import { irqbalanceJson } from '../irqbalance/state'
import { formatCpuList } from '../kernel/cpulist'
import type { ObservedGuest, Skip, Step } from '../model'
import type { NicPlan } from '../planner/plan'
import type { Convergence } from '../planner/reconcile'

/** Raised when a field changes its meaning or is removed; not for new fields. */
export const JSON_VERSION = 1

export function printJson(value: object): string {
  return `${JSON.stringify({ version: JSON_VERSION, ...value }, undefined, 2)}\n`
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

export function vcpusJson({ cpus }: ObservedGuest): object {
  return { online: formatCpuList(cpus.online), isolated: formatCpuList(cpus.isolated) }
}

export function channelsJson({ nic, desired }: NicPlan): object {
  return {
    current: nic.channels.current,
    target: desired.target,
    ideal: desired.idealChannels,
    maximum: nic.channels.maximum ?? null,
    limitedBy: desired.limitedBy,
  }
}

function stepJson(step: Step): object {
  return { ...step, file: step.file ?? null }
}

export function stepsJson(steps: readonly Step[]): object[] {
  return steps.map(stepJson)
}

export function skipJson(skip: Skip): object {
  return { ...skip, tunable: skip.tunable ?? null }
}
