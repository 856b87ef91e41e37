/** The output of `vqtune explain`. Pure. */

import type { KernelTrait } from '../advice/kernel-traits'
import type { Limit } from '../advice/limits'
import type { PlatformRemedy } from '../advice/platforms/index'
import { describeIrqbalance, type IrqbalanceState, irqbalanceJson } from '../irqbalance/state'
import type { Hypervisor, RecordedValues } from '../model'
import { describeLimit, describeSkip } from '../planner/describe'
import type { LedgerEntry } from '../planner/ledger'
import type { NicPlan } from '../planner/plan'
import { describeAffinityProblem, type QueueAffinity } from '../planner/queue-affinity'
import { operand } from '../text/escape'
import type { Paint } from '../text/paint'
import { CHANNELS_KEY } from '../tunables/channels'
import { changedValues, nounOf } from '../tunables/engine'
import { agreesWith } from '../writers/agreement'
import { WRITER_NAMES, type WriterSearch } from '../writers/index'
import type { Writer } from '../writers/writer'
import { channelsJson, skipJson } from './json'

/** What there is to say about one NIC. */
export interface Explanation {
  readonly nicPlan: NicPlan
  readonly hypervisor: Hypervisor
  /** Online. */
  readonly vcpus: number
  readonly arithmetic: string
  readonly limits: readonly Limit[]
  /** Empty when the host gives enough. */
  readonly remedies: readonly PlatformRemedy[]
  readonly verdicts: readonly QueueAffinity[]
  readonly search: WriterSearch
  /** About auditd, which can tell who changes settings by hand. */
  readonly audit: string | undefined
  /** Its interrupts that irqbalance leaves alone; undefined: no irqbalance is running. */
  readonly irqbalance: IrqbalanceState | undefined
  readonly recorded: LedgerEntry | undefined
  readonly traits: readonly KernelTrait[]
  readonly next: string
}

export function explanationText(explanation: Explanation, colors: Paint): string {
  const { nicPlan, arithmetic, limits, remedies, irqbalance, next } = explanation
  const { nic, desired } = nicPlan
  const maximum = nic.channels.maximum === undefined ? 'unknown' : String(nic.channels.maximum)
  return lines([
    `${nic.name}: virtio-net, ${nic.virtio} at ${nic.bus} ${nic.busAddress}, MAC ${nic.mac}${nic.master === undefined ? '' : `, in ${nic.master}`}`,
    `channels: ${nic.channels.current} now, target ${desired.target}, host maximum ${maximum}`,
    `target: M = ${arithmetic}: ${describeLimit(desired.limitedBy)}`,
    ...section(
      'Limited by',
      limits.flatMap((limit) => [limit.text, ...(limit.next === undefined ? [] : [`  -> ${limit.next}`])]),
    ),
    ...remedies.flatMap((remedy, index) => remedyLines(remedy, index > 0, colors)),
    ...section('Skipped', nicPlan.plan.skips.map(describeSkip)),
    ...section('Queues', queueLines(explanation)),
    ...(irqbalance === undefined ? [] : ['', describeIrqbalance(irqbalance)]),
    ...section('Other software that may change it', writerLines(explanation)),
    ...section('Changed by vqtune', ledgerLines(explanation)),
    ...section('What this kernel does, by what it shows', traitLines(explanation.traits)),
    '',
    `Slow under load: vqtune report ${operand(nic.name)} says where the time goes`,
    `Next: ${next}`,
  ])
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`
}

function section(title: string, content: readonly string[]): string[] {
  return content.length === 0 ? [] : ['', `${title}:`, ...content.map((line) => `  ${line}`)]
}

function remedyLines(remedy: PlatformRemedy, isAlternative: boolean, colors: Paint): string[] {
  const steps = remedy.steps.flatMap((step, index) => [
    `${index + 1}. ${step.text}${step.lines.length > 0 ? ':' : ''}`,
    ...step.lines.map((line) => `     ${colors.good(line)}`),
  ])
  return section(remedyTitle(remedy, isAlternative), [
    ...steps,
    ...(remedy.powerOff
      ? [`This needs a full power-off; a reboot is not enough. ${remedy.powerOffHow}`]
      : [remedy.powerOffHow]),
    ...remedy.notes,
    remedy.tried === null
      ? `Not tried by us. Source: ${remedy.source}.`
      : `Tried: ${remedy.tried}. Source: ${remedy.source}.`,
    'Afterwards, in this guest:',
    ...remedy.check.map((line) => `     ${colors.good(line)}`),
  ])
}

function remedyTitle({ multiqueue, title }: PlatformRemedy, isAlternative: boolean): string {
  if (!multiqueue) return `${title} has no multi-queue, so there is nothing to ask for; what helps instead`
  return isAlternative ? `Or, if this is ${title}` : `How to get more queue pairs from ${title}`
}

function queueLines({ verdicts, nicPlan }: Explanation): string[] {
  const shared = verdicts.filter((verdict) => !verdict.private)
  const problems = shared.flatMap(({ queue, problems }) =>
    problems.map((problem) => `queue ${queue}: ${describeAffinityProblem(problem)}`),
  )
  if (problems.length > 0) return [...problems, ...nicPlan.plan.notes]
  const whole =
    nicPlan.nic.channels.current === 1
      ? 'one queue pair, shared by all vCPUs'
      : 'each queue is private to its vCPUs'
  return [whole, ...nicPlan.plan.notes]
}

function writerLines(explanation: Explanation): string[] {
  const { writers, notSearched } = explanation.search
  const left = [
    ...notSearched.map((text) => `not searched: ${text}`),
    ...(explanation.audit === undefined ? [] : [explanation.audit]),
  ]
  if (writers.length === 0) return [`none of the ${WRITER_NAMES.length} known writers was found`, ...left]
  const certainty = { yes: '', maybe: 'possibly ', unreadable: 'unknown: ' } as const
  return [
    ...writers.flatMap((writer) => [
      `${certainty[writer.matches]}${writer.writer} (${writer.where}): ${writer.what}${agreement(writer, explanation)}`,
      `  -> ${writer.remedy}`,
    ]),
    ...left,
  ]
}

function agreement(writer: Writer, explanation: Explanation): string {
  const agrees = agreementOf(writer, explanation)
  if (agrees === undefined) return ''
  return agrees ? '; as the target' : `; the target is ${explanation.nicPlan.desired.target}`
}

function agreementOf(writer: Writer, { nicPlan, vcpus }: Explanation): boolean | undefined {
  const { nic, desired } = nicPlan
  return agreesWith(writer, { target: desired.target, maximum: nic.channels.maximum, vcpus })
}

function traitLines(traits: readonly KernelTrait[]): string[] {
  return traits.map(({ label, value, seen }) => `${label}: ${value} (${seen})`)
}

function heldFor({ heldWhy }: LedgerEntry): string {
  return heldWhy === undefined ? 'rolled back' : `reverted (${heldWhy})`
}

function ledgerLines({ recorded, nicPlan }: Explanation): string[] {
  if (recorded === undefined) return ['nothing since boot']
  const { original, applied, trial, unconfirmed } = recorded
  if (unconfirmed !== undefined) {
    const { confirmed, until, lost } = unconfirmed
    const back = `channels ${channelsOf(confirmed)}`
    return [
      lost === undefined
        ? `channels are unconfirmed until ${until}: without carrier or gateway it goes back to ${back}`
        : `${lost}: being reverted to ${back}; vqtune apply goes on with it`,
    ]
  }
  if (recorded.held === true && trial === undefined)
    return [`${heldFor(recorded)} at ${recorded.at}, held until the next boot or vqtune apply`]
  if (original === undefined) return ['nothing since boot']
  const before = `channels ${channelsOf(original)}`
  if (trial !== undefined)
    return [`a trial began at ${trial}: it is running or was killed; before vqtune: ${before}`]
  if (applied === undefined) return [`started at ${recorded.at} and interrupted; before it: ${before}`]
  const changed = changedValues(original, applied).map(({ tunable, values }) =>
    tunable === 'channels'
      ? `channels ${channelsOf(original)} -> ${channelsOf(applied)}`
      : `${values.length} ${nounOf(tunable, values.length)}`,
  )
  return [
    `${changed.length === 0 ? 'no value differs from before' : changed.join(', ')}, at ${recorded.at}`,
    `to restore the original values: vqtune rollback ${operand(nicPlan.nic.name)}`,
  ]
}

function channelsOf(values: RecordedValues): string {
  return values.channels?.[CHANNELS_KEY] ?? 'unknown'
}

export function explanationJson(explanation: Explanation): object {
  const {
    nicPlan,
    hypervisor,
    arithmetic,
    limits,
    remedies,
    verdicts,
    search,
    irqbalance,
    recorded,
    traits,
    next,
  } = explanation
  const { nic } = nicPlan
  return {
    name: nic.name,
    mac: nic.mac,
    virtio: nic.virtio,
    bus: nic.bus,
    busAddress: nic.busAddress,
    hypervisor,
    channels: { ...channelsJson(nicPlan), arithmetic },
    limits: limits.map((limit) => ({ ...limit, next: limit.next ?? null })),
    remedies,
    queues: verdicts.map(({ queue, private: isPrivate, problems }) => ({
      queue,
      private: isPrivate,
      problems: problems.map(describeAffinityProblem),
    })),
    notes: nicPlan.plan.notes,
    skips: nicPlan.plan.skips.map(skipJson),
    irqbalance: irqbalanceJson(irqbalance),
    writers: search.writers.map((writer) => ({
      ...writer,
      value: writer.value ?? null,
      agrees: agreementOf(writer, explanation) ?? null,
    })),
    knownWriters: WRITER_NAMES,
    notSearched: search.notSearched,
    audit: explanation.audit ?? null,
    ledger: recorded ?? null,
    kernel: traits,
    next,
  }
}
