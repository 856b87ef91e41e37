/** What changed since the last observation, and who did it if there is evidence. Keeps one observation. */
import { type Attribution, attribute } from '../drift/attribute'
import { readAuditedRuns } from '../drift/audit-log'
import { readCandidateWriters } from '../drift/candidate-writers'
import { classifyDrift, type Drift, isSettingDrift } from '../drift/classify'
import { type RunningTool, readRunningTools } from '../drift/process-scan'
import { type GuestSnapshot, snapshotOf, withOwnWrites } from '../drift/snapshot'
import { describeTraced, readTracedWrites, type TracedWrite } from '../drift/writer-trace'
import type { ObservedGuest, ObservedNic, Step } from '../model'
import { readLedger } from '../planner/ledger'
import type { System } from '../system/system'
import { WRITER_NAMES } from '../writers/index'

export interface AttributedDrift {
  readonly drift: Drift
  readonly attribution: Attribution
}

/** So many processes are read in a fraction of a millisecond. */
const NEWEST = 32
/** Between two scans in a burst of events. */
const SCAN_PAUSE_MS = 10

/** A command is logged before it sets anything, and the observation before may have been at the same time. */
const AUDIT_SLACK_MS = 1_000

export class DriftDetector {
  private scannedAt = 0
  private tracedUntil = 0
  private observedAt = Date.now()
  private before: GuestSnapshot | undefined
  private runningTools: readonly RunningTool[] = []
  /** The last observation that was queried; a pass queries each several times, and each query would read the ledger. */
  private looked: { readonly guest: ObservedGuest; readonly snapshot: GuestSnapshot } | undefined

  constructor(private readonly system: System) {}

  restore(before: GuestSnapshot): void {
    this.before = before
  }

  /**
   * Something has just happened: scan for running tools, which may exit within a millisecond. The newest processes first,
   * and of the others only once in a burst of events: they stay longer.
   */
  scanProcesses(isFirst: boolean): void {
    const now = performance.now()
    if (!isFirst && now - this.scannedAt < SCAN_PAUSE_MS) return
    this.keep(readRunningTools(this.system, process.pid, NEWEST))
    if (isFirst) this.keep(readRunningTools(this.system, process.pid))
    this.scannedAt = performance.now()
  }

  /** Several events may precede the pass that needs the result. One that is about to end has no arguments any more. */
  private keep(seen: readonly RunningTool[]): void {
    const more = seen.filter(({ args }) => args.length > 0)
    const known = new Set(more.map(({ pid }) => pid))
    this.runningTools = [...this.runningTools.filter(({ pid }) => !known.has(pid)), ...more].slice(-20)
  }

  compare(guest: ObservedGuest): readonly Drift[] {
    return this.before === undefined ? [] : classifyDrift(this.before, this.snapshot(guest))
  }

  attributeAll(drifts: readonly Drift[], guest: ObservedGuest): readonly AttributedDrift[] {
    const { before, runningTools } = this
    this.runningTools = []
    if (drifts.length === 0 || before === undefined) return []
    const isOfSetting = drifts.some((drift) => isSettingDrift(drift.kind))
    const tracedWrites = isOfSetting ? readTracedWrites(this.system, process.pid, this.tracedUntil) : []
    this.tracedUntil = Math.max(this.tracedUntil, ...tracedWrites.map(({ at }) => at))
    const audited = isOfSetting
      ? readAuditedRuns(this.system, process.pid, this.observedAt - AUDIT_SLACK_MS)
      : []
    const evidence = {
      drifts,
      before,
      after: this.snapshot(guest),
      entries: readLedger(this.system, guest.bootId).entries,
      candidates: isOfSetting ? readCandidateWriters(this.system, changedNics(drifts, guest)) : [],
      knownWriters: WRITER_NAMES.length,
      runningTools,
      tracedWrites,
      describeTraced: (write: TracedWrite) => describeTraced(this.system, write),
      audited,
    }
    return drifts.map((drift) => ({ drift, attribution: attribute(drift, evidence) }))
  }

  /** Accepts the current values of these NICs, by name, as our own: as if observed last time. */
  acceptAsOwn(guest: ObservedGuest, names: ReadonlySet<string>): void {
    const { before } = this
    if (before === undefined) return
    const ours = this.snapshot(guest).nics.filter(({ name }) => names.has(name))
    const nics = before.nics.map((nic) => ours.find(({ ifindex }) => ifindex === nic.ifindex) ?? nic)
    this.before = { ...before, nics }
  }

  /** Accepts what these steps wrote since the last observation as our own. */
  acceptWrites(guest: ObservedGuest, steps: readonly Step[]): void {
    if (this.before !== undefined) this.before = withOwnWrites(this.before, this.snapshot(guest), steps)
  }

  /** @returns the observation that is kept */
  remember(guest: ObservedGuest): GuestSnapshot {
    this.before = this.snapshot(guest)
    this.observedAt = Date.now()
    return this.before
  }

  private snapshot(guest: ObservedGuest): GuestSnapshot {
    if (this.looked?.guest !== guest) {
      this.looked = { guest, snapshot: snapshotOf(guest, readLedger(this.system, guest.bootId).entries) }
    }
    return this.looked.snapshot
  }
}

/** The others need no search of files. */
function changedNics(drifts: readonly Drift[], { nics }: ObservedGuest): readonly ObservedNic[] {
  const changed = new Set(drifts.filter(({ kind }) => isSettingDrift(kind)).map(({ ifindex }) => ifindex))
  return nics.filter(({ ifindex }) => changed.has(ifindex))
}
