/**
 * What a pass found and did, as one line per NIC: a sentence for administrators, details as fields for machines. Pure.
 */

import { toldByAudit } from '../drift/audit-log'
import { isSettingDrift } from '../drift/classify'
import type { DriftAction, DriftRecord } from '../drift/history'
import { seenAtWork } from '../drift/process-scan'
import type { Step } from '../model'
import type { StepOutcome } from '../planner/reconcile'
import { nounOf } from '../tunables/engine'

/** A NIC that is suspended for a time, because another writer keeps reversing its settings. */
export interface Backoff {
  readonly nic: string
  readonly otherWriter: string
  readonly evidence: string
  readonly reversals: number
  readonly awaySeconds: number
  /** Back-offs before this one. */
  readonly earlier: number
}

export interface PassEvents {
  readonly drifts: readonly DriftRecord[]
  readonly outcomes: readonly StepOutcome[]
  /** What is not as desired at the end, whatever was written. */
  readonly missing: readonly Step[]
  readonly backoffs: readonly Backoff[]
}

export interface PassLine {
  readonly level: 'info' | 'warn'
  readonly text: string
  readonly fields: object
  /** Failure messages that the text contains. */
  readonly failures: readonly string[]
}

/** The guest's own line first. No line for a NIC without changes, or with only failed writes. */
export function passLines(events: PassEvents): readonly PassLine[] {
  const guest = events.drifts.filter(({ nic }) => nic === null)
  const nics = new Set([
    ...events.drifts.flatMap(({ nic }) => nic ?? []),
    ...events.outcomes.map(({ step }) => step.nic),
    ...events.backoffs.map(({ nic }) => nic),
  ])
  return [
    ...(guest.length === 0 ? [] : [guestLine(guest)]),
    ...[...nics].flatMap((nic) => nicLine(nic, events) ?? []),
  ]
}

function guestLine(drifts: readonly DriftRecord[]): PassLine {
  const text = drifts.map((drift) => `vCPUs ${drift.old} -> ${drift.new}`).join(', ')
  return { level: 'info', text, fields: { nic: null, drifts }, failures: [] }
}

function nicLine(nic: string, events: PassEvents): PassLine | undefined {
  const drifts = events.drifts.filter((drift) => drift.nic === nic)
  const outcomes = events.outcomes.filter(({ step }) => step.nic === nic)
  const backoff = events.backoffs.find((one) => one.nic === nic)
  const missing = new Set(events.missing.filter((step) => step.nic === nic).map((step) => writeOf(step).key))
  const writes = outcomes
    .filter(({ result }) => result === 'done')
    .map(({ step }) => writeOf(step))
    .filter(({ key }) => !missing.has(key))
  if (drifts.length === 0 && writes.length === 0 && backoff === undefined) return undefined
  const sentence = backoff === undefined ? nicSentence(drifts, writes) : backoffSentence(backoff)
  return {
    level: backoff !== undefined || drifts.some(({ action }) => isTrouble(action)) ? 'warn' : 'info',
    text: `${nic}: ${sentence}`,
    fields: {
      nic,
      drifts,
      writes: outcomes.map(({ step, result, why }) => ({ ...writeOf(step), result, why })),
      ...(backoff === undefined ? {} : { backoff }),
    },
    failures: backoff === undefined ? drifts.filter(isFailed).map(({ why }) => why) : [],
  }
}

interface Write {
  readonly tunable: string
  /** Identifies the setting within its NIC. */
  readonly key: string
  readonly old: string
  readonly new: string
  readonly reason: string
}

/** The step as a log field. */
function writeOf(step: Step): Write {
  const { tunable, key, old, new: now, reason } = step
  return { tunable, key: `${tunable} ${key}`, old, new: now, reason }
}

/** One that came back is told with what was tried. */
function backoffSentence({ otherWriter, evidence, reversals, awaySeconds, earlier }: Backoff): string {
  const tried =
    earlier === 0
      ? ''
      : `, again after ${earlier} ${earlier === 1 ? 'suspension' : 'suspensions'}, each time set back`
  return `${nameOf(otherWriter)} reversed its settings ${reversals} times${tried} (${evidence}); suspended for ${awaySeconds} s`
}

/** `channels 2 -> 4, 8 interrupts and 4 XPS masks set (changed by ethtool -L eth0 combined 2, PID 812)` */
function nicSentence(drifts: readonly DriftRecord[], writes: readonly Write[]): string {
  const changes = drifts.filter(({ kind }) => !isSettingDrift(kind))
  const reversed = drifts.filter(({ kind }) => isSettingDrift(kind))
  const done = writes.length > 0 ? writesPhrase(writes, reversed) : driftsPhrase(reversed)
  const causes = causesOf(writes, reversed)
  const why = done === '' || causes.length === 0 ? '' : ` (${causes.join('; ')})`
  return [...changes.map(guestChange), `${done}${why}`, ending(drifts, writes.length > 0)]
    .filter((part) => part !== '')
    .join('; ')
}

function guestChange({ kind, old, new: now }: DriftRecord): string {
  switch (kind) {
    case 'nic-added':
      return 'added'
    case 'nic-removed':
      return 'removed'
    case 'maximum':
      return `the host exposes ${now} queue pairs instead of ${old}`
    case 'xdp-attached':
      return 'an XDP program was attached'
    case 'xdp-detached':
      return 'its XDP program was detached'
    default:
      return `${kind} ${old} -> ${now}`
  }
}

/** `8 interrupts and 4 XPS masks` */
function quantities(counts: ReadonlyMap<string, number>): string {
  const parts = [...counts].map(([tunable, count]) => `${count} ${nounOf(tunable, count)}`)
  const last = parts.pop() ?? ''
  return parts.length === 0 ? last : `${parts.join(', ')} and ${last}`
}

function writesPhrase(writes: readonly Write[], reversed: readonly DriftRecord[]): string {
  const [channels, ...more] = writes.filter(({ tunable }) => tunable === 'channels')
  const keys = new Map(
    writes.filter(({ tunable }) => tunable !== 'channels').map((one) => [one.key, one.tunable]),
  )
  const counts = countEach([...keys.values()])
  const settings = quantities(counts)
  if (channels !== undefined) {
    const count = `channels ${channels.old} -> ${(more.at(-1) ?? channels).new}`
    return settings === '' ? count : `${count}, ${settings} set`
  }
  const isBack = [...counts.keys()].every((tunable) => reversed.some(({ kind }) => kind === tunable))
  const interrupts = counts.size === 1 ? counts.get('irq-affinity') : undefined
  if (!isBack) return `${settings} set`
  if (interrupts === undefined) return `${settings} restored`
  return `${settings} put back on ${interrupts === 1 ? 'its vCPU' : 'their vCPUs'}`
}

function countEach(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}

/** Drift that was not repaired: `channels 4 -> 2, 8 interrupts` */
function driftsPhrase(reversed: readonly DriftRecord[]): string {
  const channels = reversed.filter(({ kind }) => kind === 'channels')
  const counts = new Map<string, number>()
  for (const drift of reversed) {
    if (drift.kind === 'channels') continue
    counts.set(drift.kind, Math.max(counts.get(drift.kind) ?? 0, settingsIn(drift)))
  }
  const parts = channels.map((drift) => `channels ${drift.old} -> ${drift.new}`)
  return [...parts, quantities(counts)].filter((part) => part !== '').join(', ')
}

/** A record covers all queues of a NIC: `queue 0 rx CPU 3, queue 1 rx CPU 3`. */
function settingsIn({ new: now }: DriftRecord): number {
  return Math.max(1, now.match(/\bqueue \d+/g)?.length ?? 0)
}

/** Who made it necessary, or which event did. */
function causesOf(writes: readonly Write[], reversed: readonly DriftRecord[]): readonly string[] {
  const channels = writes.find(({ tunable }) => tunable === 'channels')
  if (channels !== undefined && !reversed.some(({ kind }) => kind === 'channels')) {
    // What the kernel rewrote at the same time follows from the same event.
    return [channels.reason, ...clauses(reversed.filter(({ writer }) => writer !== 'kernel'))]
  }
  if (reversed.length > 0) return clauses(reversed)
  const reasons = new Set(writes.map(({ reason }) => reason))
  return reasons.size === 1 ? [...reasons] : []
}

function clauses(reversed: readonly DriftRecord[]): readonly string[] {
  const kinds = new Map<string, Set<string>>()
  for (const drift of reversed.filter((one) => !isToldByEvidence(one))) {
    const who = writerPhrase(drift)
    kinds.set(who, (kinds.get(who) ?? new Set()).add(drift.kind))
  }
  const others = [...kinds].map(([who, those]) => {
    const verb = [...those].every((kind) => kind === 'irq-affinity') ? 'moved' : 'changed'
    const what = [...those].map((kind) => (kind === 'channels' ? kind : nounOf(kind, 2))).join(' and ')
    return kinds.size === 1 ? `${verb} by ${who}` : `${what} ${verb} by ${who}`
  })
  return [...others, ...new Set(reversed.filter(isToldByEvidence).map(({ evidence }) => evidence))]
}

/** For the kernel and vqtune itself, the evidence says more than the name. */
function isToldByEvidence({ writer }: DriftRecord): boolean {
  return writer === 'kernel' || writer === 'vqtune'
}

function writerPhrase({ writer, evidence }: DriftRecord): string {
  const audited = toldByAudit(evidence)
  if (audited !== undefined) {
    const { command, pid, who } = audited
    return [
      writer === 'ethtool' ? command : `${writer}: ${command}`,
      ...(pid === undefined ? [] : [`PID ${pid}`]),
      ...(who === undefined ? [] : [`run by ${who}`]),
    ].join(', ')
  }
  const seen = seenAtWork(evidence)
  if (seen === undefined) {
    const pid = / \(pid (\d+)[,)].* as the kernel noted$/.exec(evidence)?.[1]
    return pid === undefined ? nameOf(writer) : `${writer}, PID ${pid}`
  }
  const { command, pid, parent } = seen
  if (parent?.name === writer) return `${writer}, PID ${parent.pid}: ${command}`
  return `${command}, PID ${pid}${parent === undefined ? '' : `, started by ${parent.name}`}`
}

function nameOf(writer: string): string {
  return writer === 'unknown' ? 'an unknown writer' : writer
}

const TROUBLE: ReadonlySet<DriftAction> = new Set(['failed', 'backed-off', 'yielded', 'reported'])

function isTrouble(action: DriftAction): boolean {
  return TROUBLE.has(action)
}

function isFailed({ action }: DriftRecord): boolean {
  return action === 'failed'
}

/** The result, if the writes do not show it. */
function ending(drifts: readonly DriftRecord[], wrote: boolean): string {
  const failed = drifts.find(isFailed)
  if (failed !== undefined) return `${wrote ? 'incomplete' : 'not repaired'}: ${failed.why}`
  const alone = drifts.find(({ action, why }) => isTrouble(action) || (action === 'accepted' && why !== ''))
  if (alone !== undefined) return `not changed: ${alone.why}`
  const isAnswered = wrote || !drifts.some(({ kind }) => kind === 'nic-added' || isSettingDrift(kind))
  return isAnswered ? '' : 'as desired'
}
