/**
 * Who changed a setting, if there is evidence. Nothing is guessed: without evidence the writer is 'unknown'. Pure.
 */

import { parseCpuList } from '../kernel/cpulist'
import type { TunableName } from '../model'
import { nicByIndex } from '../planner/find-nic'
import { entryOf, type LedgerEntry } from '../planner/ledger'
import { changedValues, hasKernelLayout, showsKernelLayout } from '../tunables/engine'
import { type AuditedRun, auditedWriter } from './audit-log'
import { type Drift, isSettingDrift } from './classify'
import { type RunningTool, runningWriter } from './process-scan'
import type { GuestSnapshot, NicSnapshot } from './snapshot'
import { type TracedWrite, tracedWriter } from './writer-trace'

export interface Attribution {
  /** A program's name, 'kernel', 'vqtune', or 'unknown'. */
  readonly name: string
  /** The evidence, one clause; for 'unknown' what was checked. */
  readonly evidence: string
}

/** Software in the guest that writes these settings by itself. */
export interface CandidateWriter {
  readonly name: string
  readonly writes: readonly TunableName[]
  /** Interfaces it writes to; undefined: any. */
  readonly nic: string | undefined
  /** The value in its file, if it writes a fixed one: it is named only for that value. Absent: any value. */
  readonly says?: string
  /** It was told not to write them: a suspect, and never named as the writer. */
  readonly isOnlyPossible?: boolean
  /** It writes only at an event of its own, such as a boot, and is no evidence: the file that says this value. */
  readonly onlyAt?: string
  readonly evidence: string
}

export interface AttributionInput {
  /** All drifts of the same observation: a vCPU change explains what the kernel rewrote with it. */
  readonly drifts: readonly Drift[]
  readonly before: GuestSnapshot
  readonly after: GuestSnapshot
  /** Ledger entries as they are now. */
  readonly entries: readonly LedgerEntry[]
  readonly candidates: readonly CandidateWriter[]
  /** How many writers are searched for. */
  readonly knownWriters: number
  /** Programs that were running when the change was noticed. */
  readonly runningTools: readonly RunningTool[]
  /** Writes that the kernel noted since the last change. */
  readonly tracedWrites?: readonly TracedWrite[]
  /** What else is known of a process that the kernel noted. */
  readonly describeTraced?: (write: TracedWrite) => string
  /** Runs of ethtool in the audit log since the last change. */
  readonly audited?: readonly AuditedRun[]
}

/** For drifts of the guest itself there is no writer to name. */
export function attribute(drift: Drift, evidence: AttributionInput): Attribution {
  if (!isSettingDrift(drift.kind)) return describeEvent(drift)
  const nic = nicByIndex(evidence.after, drift.ifindex)
  const own = nic === undefined ? undefined : ownWriter(nic, evidence)
  if (own !== undefined) return own
  if (nic !== undefined && hasKernelLayout(drift.kind) && kernelRewrote(nic, evidence)) {
    return {
      name: 'kernel',
      evidence: 'virtio_net recalculates affinity and XPS when a vCPU goes online or offline',
    }
  }
  const kind = drift.kind
  const noted = tracedWriter(evidence.tracedWrites ?? [], kind, drift.new)
  const tools = evidence.runningTools.filter(({ pid }) => noted === undefined || pid === noted.pid)
  const all = evidence.candidates.filter(
    (candidate) =>
      candidate.writes.includes(kind) &&
      (candidate.nic === undefined || candidate.nic === drift.nic) &&
      (candidate.says === undefined || saysValue(candidate.says, drift.new)),
  )
  /** The process, and the file that has it do so. */
  const withFile = (found: Attribution): Attribution => {
    const file = all.find(({ name }) => name === found.name)
    return file === undefined ? found : { ...found, evidence: `${found.evidence}; ${file.evidence}` }
  }
  // It knows the user, too.
  const audited = auditedWriter(evidence.audited ?? [], kind, drift, noted?.pid)
  if (audited !== undefined) return withFile(audited)
  const seen = runningWriter(tools, kind, drift)
  if (seen !== undefined) return withFile(seen)
  if (noted !== undefined) {
    const describe =
      evidence.describeTraced ?? (({ name, pid }) => `${name} (pid ${pid}) wrote it, as the kernel noted`)
    return withFile({ name: noted.parent?.name ?? noted.name, evidence: describe(noted) })
  }
  const candidates = all.filter(
    ({ onlyAt, isOnlyPossible }) => onlyAt === undefined && isOnlyPossible !== true,
  )
  const [only] = candidates
  if (only !== undefined && candidates.length === 1) return { name: only.name, evidence: only.evidence }
  if (candidates.length > 1) {
    return {
      name: 'unknown',
      evidence: `one of ${candidates.map((candidate) => candidate.name).join(', ')}; which one is unknown`,
    }
  }
  const suspect = all.find(({ isOnlyPossible }) => isOnlyPossible === true)
  if (suspect !== undefined) return { name: 'unknown', evidence: `possibly ${suspect.evidence}` }
  return {
    name: 'unknown',
    evidence: `none of the ${evidence.knownWriters} known writers was seen to write it${placesOf(all, kind)}`,
  }
}

/** Files that set this value when they are run, not seen to run. Only for channels: their value is known. */
function placesOf(candidates: readonly CandidateWriter[], kind: TunableName): string {
  const places = [...new Set(candidates.flatMap(({ onlyAt }) => onlyAt ?? []))].slice(0, 3)
  return places.length === 0 || kind !== 'channels' ? '' : `; ${places.join(', ')} would set this value`
}

/** The value is in the text as a separate number. Only for channels, which are a single number. */
function saysValue(text: string, value: string): boolean {
  return /^\d+$/.test(value) && new RegExp(`(?<!\\d)${value}(?!\\d)`).test(text)
}

function describeEvent(drift: Drift): Attribution {
  switch (drift.kind) {
    case 'vcpus':
      return { name: 'kernel', evidence: 'a vCPU went online or offline' }
    case 'xdp-attached':
    case 'xdp-detached':
      return { name: 'unknown', evidence: 'the kernel does not show who attaches XDP programs' }
    default:
      return { name: 'kernel', evidence: 'the device was plugged, unplugged or rebound' }
  }
}

/** The ledger changed after our last observation and has the NIC's current values: apply or rollback by another vqtune. */
function ownWriter(nic: NicSnapshot, evidence: AttributionInput): Attribution | undefined {
  const entry = entryOf(evidence, nic)
  // A trial that completes removes its mark; this one was killed between two counts.
  if (entry?.trial !== undefined) return { name: 'vqtune', evidence: 'set by a vqtune trial that was killed' }
  const before = nicByIndex(evidence.before, nic.ifindex)
  if (entry === undefined || entry.at === before?.recordedAt) return undefined
  if (entry.held === true)
    return { name: 'vqtune', evidence: entry.heldWhy ?? 'rolled back by an administrator' }
  if (entry.applied === undefined || changedValues(entry.applied, nic.values).length > 0) return undefined
  return { name: 'vqtune', evidence: 'applied by another vqtune process' }
}

/** virtnet_set_affinity() ran after a CPU came or went: every queue shows the kernel's own layout for the CPUs online now. */
function kernelRewrote(nic: NicSnapshot, { drifts, after }: AttributionInput): boolean {
  if (!drifts.some((drift) => drift.kind === 'vcpus')) return false
  // With several queues it writes XPS, too; where there is none (RHEL 7), the driver lays out nothing.
  if (nic.channels > 1 && nic.values.xps === undefined) return false
  return showsKernelLayout(nic.values, nic.channels, parseCpuList(after.online) ?? [])
}
