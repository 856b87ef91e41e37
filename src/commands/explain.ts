/** `vqtune explain NIC`: the target, what limits it, other writers, and what to do next. Changes nothing. */

import { type KernelTrait, kernelTraits } from '../advice/kernel-traits'
import { hostRequest, type Limit, limitsOf } from '../advice/limits'
import { type PlatformRemedy, remediesFor } from '../advice/platforms/index'
import { EXIT } from '../errors'
import { type IrqbalanceState, readIrqbalanceState } from '../irqbalance/state'
import { isSameNic, wantedInterrupts } from '../irqbalance/wanted'
import { countPossibleCpus } from '../kernel/cpus'
import { readHypervisor } from '../kernel/dmi'
import { readDriverAnswers } from '../kernel/driver-answers'
import { type Explanation, explanationJson, explanationText } from '../output/explain'
import { printJson } from '../output/json'
import { describeTarget } from '../planner/describe'
import { entryOf, type LedgerEntry } from '../planner/ledger'
import type { NicPlan } from '../planner/plan'
import { checkQueueAffinity } from '../planner/queue-affinity'
import { usableCpus } from '../planner/target'
import { operand } from '../text/escape'
import { paint } from '../text/paint'
import { CHANNELS_KEY } from '../tunables/channels'
import { changedValues } from '../tunables/engine'
import { namedQueues } from '../tunables/rss-table'
import { auditAdvice } from '../writers/audit-rule'
import { searchWriters } from '../writers/index'
import type { Writer } from '../writers/writer'
import type { CommandContext } from './command'
import { type GuestPlan, planGuestFor } from './guest-plan'

export async function run(context: CommandContext): Promise<number> {
  const guestPlan = await planGuestFor(context)
  // findNic has refused a name that is none of the NICs.
  const explanations = await Promise.all(
    guestPlan.plans.map((nicPlan) => explain(context, guestPlan, nicPlan)),
  )
  if (context.options.json === true) {
    for (const explanation of explanations) context.out(printJson(explanationJson(explanation)))
  } else {
    const colors = paint(context.color)
    for (const explanation of explanations) context.out(explanationText(explanation, colors))
  }
  return EXIT.converged
}

async function explain(
  context: CommandContext,
  guestPlan: GuestPlan,
  nicPlan: NicPlan,
): Promise<Explanation> {
  const { nic, desired, settings: nicSettings } = nicPlan
  const { guest, settings, ledger } = guestPlan
  const possibleCpus = countPossibleCpus(context.system, guest.cpus)
  const input = { nic, desired, nicSettings, settings, cpus: guest.cpus, possibleCpus }
  const found = limitsOf(input)
  const request = {
    name: nic.name,
    mac: nic.mac,
    bus: nic.bus,
    ...hostRequest(input),
    maximum: nic.channels.maximum ?? 1,
    vcpus: guest.cpus.online.length,
  }
  const hypervisor = readHypervisor(context.system)
  const evidence = {
    ...hypervisor,
    ...{ bus: nic.bus, mac: nic.mac, controlQueue: nic.features.controlQueue },
    commandLine: context.system.readText(context.system.paths.procCmdline) ?? '',
  }
  const remedies = found.some((limit) => limit.onHost) ? remediesFor(evidence, request) : []
  // What the platform does not have cannot be asked for.
  const limits =
    remedies[0]?.multiqueue === false
      ? found.map((limit) => (limit.onHost ? { ...limit, next: undefined } : limit))
      : found
  const usable = usableCpus(guest.cpus, settings.isolated).length
  const search = searchWriters(context.system, nic)
  const recorded = entryOf(ledger, nic)
  return {
    nicPlan,
    hypervisor,
    vcpus: guest.cpus.online.length,
    arithmetic: describeTarget(nicPlan, guest.cpus.online.length, usable),
    limits,
    remedies,
    verdicts: checkQueueAffinity(nic, desired),
    search,
    audit: auditAdvice(context.system),
    irqbalance: irqbalanceOf(context, nicPlan),
    recorded,
    traits: await traitsOf(context, guestPlan, nicPlan, search.writers, recorded),
    next: nextCommand(nicPlan, limits, remedies),
  }
}

async function traitsOf(
  context: CommandContext,
  { guest }: GuestPlan,
  { nic }: NicPlan,
  writers: readonly Writer[],
  recorded: LedgerEntry | undefined,
): Promise<readonly KernelTrait[]> {
  const { original, applied } = recorded ?? {}
  const before = recorded === undefined ? nic.channels.current : Number(original?.channels?.[CHANNELS_KEY])
  const written =
    original === undefined || applied === undefined
      ? []
      : changedValues(original, applied).map(({ tunable }): string => tunable)
  return kernelTraits({
    answers: await readDriverAnswers(context.system, nic.name),
    channels: nic.channels,
    channelsBefore: Number.isNaN(before) ? undefined : before,
    onlineCount: guest.cpus.online.length,
    channelWriters: writers.filter(({ tunable }) => tunable === 'channels').map(({ writer }) => writer),
    hasRss: nic.features.rss,
    hasRingReset: nic.features.ringReset,
    rssQueues: namedQueues(nic),
    isOwnRssTable: written.includes('rss-table'),
  })
}

function irqbalanceOf({ system }: CommandContext, nicPlan: NicPlan): IrqbalanceState | undefined {
  const state = readIrqbalanceState(system, wantedInterrupts([nicPlan]))
  return state && { ...state, nics: state.nics.filter((one) => isSameNic(one, nicPlan.nic)) }
}

/** The one thing to do first. */
function nextCommand(
  { nic, plan }: NicPlan,
  limits: readonly Limit[],
  remedies: readonly PlatformRemedy[],
): string {
  if (plan.steps.length > 0) return `vqtune apply ${operand(nic.name)}`
  if (plan.skips.some((skip) => skip.code === 'held' || skip.code === 'yielded'))
    return `vqtune apply ${operand(nic.name)}`
  const [remedy] = remedies
  if (remedy?.multiqueue === false) return `nothing to ask for: ${remedy.title} has no multi-queue`
  if (remedy !== undefined) return `the steps for ${remedy.title} above`
  return limits.find((limit) => limit.next !== undefined)?.next ?? 'nothing to do'
}
