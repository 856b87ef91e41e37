/**
 * One pass: observe, find out what changed and who did it, decide by policy, reconcile, record. Invariants: passes do not
 * overlap (the caller's Debounced ensures that); a suspended NIC is exempt in the reconcile, not merely unlogged;
 * a pass that finds nothing new starts no program and writes no file.
 */

import { nicSettings, type Settings } from '../config/settings'
import type { DeadQueues } from '../confirm/queue-service'
import { revertRecord } from '../confirm/record'
import type { ConnectivityLoss } from '../confirm/revert'
import { UnconfirmedChanges } from '../confirm/unconfirmed'
import type { Attribution } from '../drift/attribute'
import { type Drift, isSettingDrift } from '../drift/classify'
import type { ConflictVerdict } from '../drift/conflict'
import { appendHistory, type DriftRecord } from '../drift/history'
import { requestRecords } from '../drift/request-record'
import { fileProblem, VqtuneError } from '../errors'
import type { ChannelChange, SettingChange } from '../guard/guard'
import type { Asked } from '../irqbalance/ask'
import { type NicInterrupts, wantedInterrupts } from '../irqbalance/wanted'
import type { ObservedGuest, Skip, Step } from '../model'
import { nicByIndex } from '../planner/find-nic'
import { entryOf, isNew, ledgerPath, readLedger, withFirstSeen, writeLedger } from '../planner/ledger'
import { applyOperation, exemptionsOf } from '../planner/operations'
import { type Exemptions, planGuest, type RegressionHolds } from '../planner/plan'
import { type Convergence, converge, type StepOutcome } from '../planner/reconcile'
import { regressionHoldsOf } from '../planner/regression-hold'
import { type Lock, takeLock } from '../system/lock'
import type { System } from '../system/system'
import { isChannelStep, isConstraint } from '../tunables/engine'
import { type Clock, systemClock } from './clock'
import { Confirmations, RETRY_FIRST_MS, RETRY_MAX_MS } from './confirmations'
import { Conflicts } from './conflicts'
import { type AttributedDrift, DriftDetector } from './drift-detector'
import { IrqbalanceRequests } from './irqbalance'
import { CachingObserver } from './observe-cached'
import { channelChanges, outcomeOf, settingChanges } from './outcome'
import { ServiceProof } from './service-proof'
import { readState, statePath, writeState } from './state'
import { UnnamedNics } from './unnamed'
import type { Suspension } from './view'

/** Events of the loop; the daemon logs and counts them. */
export interface ReconcileEvents {
  drift(record: DriftRecord): void
  write(outcome: StepOutcome): void
  conflict(
    nic: string,
    otherWriter: Attribution,
    verdict: Extract<ConflictVerdict, { action: 'back-off' }>,
  ): void
  /** A NIC lost connectivity with its new channels. */
  reverted(lost: ConnectivityLoss): void
  /** irqbalance was asked to leave interrupts alone, or got some back. */
  irqbalance(asked: Asked): void
  /** Called when it begins and when it changes; undefined when it is over. */
  problem(
    topic: 'ethtool' | 'reconcile' | 'confirm' | 'history' | 'state' | 'irqbalance' | 'queues' | 'lock',
    text: string | undefined,
  ): void
}

export interface PassResult {
  readonly guest: ObservedGuest
  readonly skips: readonly Skip[]
  /** Why nothing could be planned; undefined if it could. */
  readonly problem?: string | undefined
  /** Writes that are still pending. */
  readonly missing: readonly Step[]
  readonly suspended: readonly Suspension[]
  /** Channels that were changed in this pass. */
  readonly changes: readonly ChannelChange[]
  /** Other settings that were changed in this pass. */
  readonly settingChanges: readonly SettingChange[]
  /** What the guard took back, as far as it still holds. */
  readonly regressionHolds: RegressionHolds
  /** What irqbalance leaves alone. */
  readonly irqbalance: Asked
  /** Queues that receive nothing, by interface index. */
  readonly deadQueues: ReadonlyMap<number, DeadQueues>
  /** Another pass is due after this many milliseconds; undefined: none. */
  readonly againMs: number | undefined
}

/** The drift of one observation, and the verdicts for the NICs. */
interface DriftFound {
  readonly judged: readonly AttributedDrift[]
  /** By interface index. */
  readonly verdicts: ReadonlyMap<number, ConflictVerdict>
}

interface Reconciled {
  readonly result: Convergence | undefined
  readonly lastJudged: ObservedGuest | undefined
  readonly problem?: string
  /** Another vqtune has the lock. */
  readonly isBusy?: true
}

/** A trial takes minutes. A lock that is held for longer is reported: nothing is repaired meanwhile. */
const LONG_BUSY_MS = 30 * 60_000

/**
 * A move that irqbalance may have made. The kernel's own, when a vCPU comes or goes, is repaired before a word with irqbalance,
 * which sleeps for seconds just then.
 */
function mayBeReversal({ drift, attribution }: AttributedDrift): boolean {
  return drift.kind === 'irq-affinity' && attribution.name !== 'kernel'
}

export class ReconcileLoop {
  private readonly observer: CachingObserver
  private readonly detector: DriftDetector
  private readonly conflicts = new Conflicts()
  private readonly confirmations: Confirmations
  private readonly unnamed: UnnamedNics
  /** By interface index: what they were like at first is recorded, or cannot be. */
  private readonly seen = new Set<number>()
  /** The ledger at the end of the last pass. */
  private ledger: string | undefined
  private readonly requests: IrqbalanceRequests
  /** NICs of this pass, by interface index, whose interrupts irqbalance moved before it was asked to leave them alone. */
  private excused: ReadonlySet<number> = new Set()
  private settings: Settings | undefined
  private readonly service: ServiceProof
  private failures = 0
  /** The last reconcile that wrote could not record it in the ledger. */
  private ledgerFails = false
  private restored = false
  /** The uptime in milliseconds since which another vqtune has the lock. */
  private busySince: number | undefined
  /** The content of the state file, without the time. */
  private saved = ''

  constructor(
    private readonly system: System,
    private readonly events: ReconcileEvents,
    private readonly signal: AbortSignal,
    private readonly clock: Clock = systemClock,
    /** Requests a pass at once. */
    wake: () => void = () => {},
  ) {
    this.observer = new CachingObserver(system)
    this.detector = new DriftDetector(system)
    this.unnamed = new UnnamedNics(system)
    this.confirmations = new Confirmations(system, signal, wake)
    this.service = new ServiceProof(system, () => clock.uptime())
    this.requests = new IrqbalanceRequests(system, clock, signal, (asked) => this.tellAsked(asked))
  }

  /** irqbalance started or ended. */
  irqbalanceChanged(): void {
    this.requests.retry()
  }

  /** Somebody set the rings of a NIC. */
  ringsChanged(): void {
    this.observer.forgetRings()
  }

  /** An event arrived: scan for running tools, before they exit. */
  scanProcesses(isFirst: boolean): void {
    this.detector.scanProcesses(isFirst)
  }

  /** Whether the ledger is another one than at the end of the last pass. */
  get hasNewLedger(): boolean {
    try {
      return this.ledgerText() !== this.ledger
    } catch {
      return true
    }
  }

  private ledgerText(): string | undefined {
    return this.system.readText(ledgerPath(this.system))
  }

  /** What must not be tuned for reasons of the daemon. */
  private readonly exemptions = (guest: ObservedGuest): Exemptions =>
    new Map([...this.conflicts.exemptions(guest, this.clock), ...this.unnamed.exemptions(guest)])

  private async observe(
    settings: Settings,
    knownMaxima?: ReadonlyMap<number, number>,
  ): Promise<ObservedGuest> {
    const guest = await this.observer.observe(settings, knownMaxima)
    this.unnamed.look(guest, settings.boot.waitMs, this.clock.uptime())
    return guest
  }

  /** @throws VqtuneError kind unsupported if the guest cannot be observed, state for a damaged ledger */
  async run(settings: Settings): Promise<PassResult> {
    this.observer.startPass()
    this.settings = settings
    this.excused = new Set()
    let guest = await this.observe(settings)
    const first = guest
    this.restore(guest.bootId)
    this.endConflicts(guest, settings)
    guest = await this.revertLost(guest, settings)
    let drifts = this.driftIn(guest, settings)
    let lock: Lock | undefined
    const found: DriftFound[] = []
    let reconciled: Reconciled
    try {
      if (drifts.some((drift) => isSettingDrift(drift.kind))) {
        // A half-finished apply looks like another writer: wait until no other vqtune is running, then observe again.
        const turn = await this.waitForOthers()
        if (turn === 'busy') return this.standAside(guest)
        lock = turn
        guest = await this.observe(settings)
        drifts = this.driftIn(guest, settings)
      }
      const judged = this.detector.attributeAll(drifts, guest)
      if (judged.some(mayBeReversal)) {
        // irqbalance is asked under the lock, too.
        lock?.release()
        lock = undefined
        await this.askFirst(guest, settings)
      }
      found.push(this.decide(judged, guest, settings, []))
      reconciled = await this.reconcile(settings, found, lock)
    } finally {
      lock?.release()
    }
    const { result, lastJudged, problem, isBusy } = reconciled
    if (isBusy !== true) this.noteLock(undefined)
    for (const { judged, verdicts } of found) this.record(judged, verdicts, result, settings)
    const last = result?.guest ?? guest
    await this.proveService(last, channelChanges(result))
    this.endReports(last, settings)
    // It is asked under the lock.
    const irqbalance =
      isBusy === true ? this.requests.latest : await this.requests.ask(this.wantedOf(last, settings))
    // If it matters, the reconcile fails, and reports it.
    this.events.problem('ethtool', result?.failure === undefined ? this.observer.problem : undefined)
    // Changes between the last observation that was judged and a later one are found by the next pass.
    this.save(lastJudged ?? guest)
    await this.recordFirstSeen(first)
    this.ledger = this.ledgerText()
    return {
      guest: last,
      skips: result?.skips ?? [],
      problem,
      missing: result?.missing ?? [],
      changes: channelChanges(result),
      settingChanges: settingChanges(result),
      regressionHolds: result === undefined ? new Map() : regressionHoldsOf(last, result.ledger, settings),
      suspended: this.conflicts.suspended(last, this.clock),
      irqbalance,
      deadQueues: this.service.dead,
      againMs: isBusy === true ? RETRY_FIRST_MS : this.nextMs(result),
    }
  }

  /**
   * Changes since the last observation, except moves inside the desired set: irqbalance may place an interrupt anywhere on
   * its queue's vCPUs.
   */
  private driftIn(guest: ObservedGuest, settings: Settings): readonly Drift[] {
    const drifts = this.detector.compare(guest)
    if (!drifts.some(({ kind }) => isConstraint(kind))) return drifts
    const operation = applyOperation(this.system, settings, { respectHolds: true })
    const { steps, skips } = operation.plan(guest, readLedger(this.system, guest.bootId))
    const unplanned = new Set(skips.filter((skip) => skip.tunable === undefined).map(({ nic }) => nic))
    return drifts.filter(
      ({ kind, nic, ifindex }) =>
        !isConstraint(kind) ||
        unplanned.has(nic ?? '') ||
        steps.some((step) => step.ifindex === ifindex && (step.tunable === kind || isChannelStep(step))),
    )
  }

  /**
   * Before moved interrupts count as a reversal: an irqbalance that has just started does not know yet which ones it is to
   * leave alone.
   */
  private async askFirst(guest: ObservedGuest, settings: Settings): Promise<void> {
    const wanted = this.wantedOf(guest, settings)
    const { added } = await this.requests.ask(wanted, true)
    const news = new Set(added)
    this.excused = new Set(
      wanted.filter(({ irqs }) => irqs.some((irq) => news.has(irq))).map(({ ifindex }) => ifindex),
    )
  }

  private wantedOf(guest: ObservedGuest, settings: Settings): readonly NicInterrupts[] {
    const ledger = readLedger(this.system, guest.bootId)
    const options = { respectHolds: true, exemptions: this.exemptions }
    return wantedInterrupts(planGuest(guest, settings, exemptionsOf(guest, ledger, options)))
  }

  private tellAsked(asked: Asked): void {
    this.events.problem('irqbalance', asked.problem)
    if (asked.added.length === 0 && asked.released.length === 0) return
    this.events.irqbalance(asked)
    if (this.settings === undefined) return
    for (const record of requestRecords(asked, new Date(this.clock.wall()).toISOString()))
      this.append(record, this.settings)
  }

  /**
   * Decides on what was judged, and makes the observation the one that the next is compared with.
   * @param sofar in this pass
   */
  private decide(
    judged: readonly AttributedDrift[],
    guest: ObservedGuest,
    settings: Settings,
    sofar: readonly DriftFound[],
  ): DriftFound {
    const now = this.clock.uptime()
    this.conflicts.age(settings, now)
    // A script that writes one setting after the other is one reversal, regardless of the number of observations meanwhile.
    const counted = new Set(sofar.flatMap(({ verdicts }) => [...verdicts.keys()]))
    const verdicts = this.decideConflicts(judged, guest, settings, now, counted)
    this.detector.remember(guest)
    return { judged, verdicts }
  }

  /** Those of another policy, and those that an administrator's apply has ended since. */
  private endConflicts(guest: ObservedGuest, settings: Settings): void {
    this.conflicts.keepFitting(guest, settings)
    this.conflicts.forgetGone(guest)
    if (this.conflicts.all.length > 0) this.conflicts.resume(readLedger(this.system, guest.bootId))
  }

  /**
   * Records what NICs were like when they were first seen, so that a rollback restores that, and not what drift has left.
   * Tried once for each: where it cannot be recorded, the values before the first write are.
   */
  private async recordFirstSeen({ bootId, nics }: ObservedGuest): Promise<void> {
    const { entries } = readLedger(this.system, bootId)
    const fresh = nics.filter((nic) => !this.seen.has(nic.ifindex) && isNew(entryOf({ entries }, nic)))
    for (const { ifindex } of nics) this.seen.add(ifindex)
    if (fresh.length === 0 || this.signal.aborted) return
    try {
      const lock = await takeLock(this.system, 'daemon')
      try {
        const ledger = readLedger(this.system, bootId)
        writeLedger(this.system, withFirstSeen(ledger, fresh, new Date(this.clock.wall()).toISOString()))
      } finally {
        lock.release()
      }
    } catch (error) {
      if (!(error instanceof VqtuneError)) throw error
    }
  }

  private restore(bootId: string): void {
    if (this.restored) return
    this.restored = true
    const state = readState(this.system, bootId)
    if (state === undefined) return
    if (state === 'unusable') {
      const text =
        'damaged, or of another version of vqtune; set aside: changes made before now are not reported'
      this.events.problem('state', `${statePath(this.system)}: ${text}`)
      return
    }
    this.detector.restore(state.last)
    this.conflicts.restore(state.conflicts)
  }

  /** Reverts NICs that lost connectivity with their new channels. Our own change, so not drift. */
  private async revertLost(guest: ObservedGuest, settings: Settings): Promise<ObservedGuest> {
    await this.confirmations.sync(guest)
    const lost = await this.confirmations.putBack()
    if (lost.length === 0) return guest
    for (const one of lost) {
      this.events.reverted(one)
      this.append(revertRecord(one, new Date(this.clock.wall()).toISOString()), settings)
    }
    const now = await this.observe(settings)
    this.detector.acceptAsOwn(now, new Set(lost.map(({ nic }) => nic)))
    return now
  }

  /**
   * @returns the lock, for the writes of this pass: taking it is a program; or 'busy' if another vqtune is still running after
   *   the wait: a trial takes minutes
   */
  private async waitForOthers(): Promise<Lock | 'busy' | undefined> {
    try {
      return await takeLock(this.system, 'daemon')
    } catch (error) {
      if (!(error instanceof VqtuneError)) throw error
      // The lock cannot be used at all: judge the current state; the reconcile reports the problem.
      if (error.kind !== 'busy') return undefined
      this.noteLock(error)
      return 'busy'
    }
  }

  /** @param busy another vqtune has the lock; undefined: it was free, or not needed */
  private noteLock(busy: VqtuneError | undefined): void {
    const now = this.clock.uptime()
    this.busySince = busy === undefined ? undefined : (this.busySince ?? now)
    const isLong = this.busySince !== undefined && now - this.busySince >= LONG_BUSY_MS
    this.events.problem('lock', isLong ? busy?.message : undefined)
  }

  /**
   * What another vqtune does under its lock is not drift. The last observation stays the one to compare with, so that the
   * result is judged when it is done.
   */
  private standAside(guest: ObservedGuest): PassResult {
    return {
      guest,
      skips: [],
      missing: [],
      changes: [],
      settingChanges: [],
      regressionHolds: new Map(),
      suspended: this.conflicts.suspended(guest, this.clock),
      irqbalance: this.requests.latest,
      deadQueues: this.service.dead,
      againMs: RETRY_FIRST_MS,
    }
  }

  /**
   * Verdicts by interface index, one per NIC whose settings another writer reversed in this observation.
   * @param counted NICs that already have a verdict
   */
  private decideConflicts(
    judged: readonly AttributedDrift[],
    guest: ObservedGuest,
    settings: Settings,
    now: number,
    counted: ReadonlySet<number>,
  ): ReadonlyMap<number, ConflictVerdict> {
    const verdicts = new Map<number, ConflictVerdict>()
    for (const nic of guest.nics) {
      const mine = judged.filter(({ drift }) => drift.ifindex === nic.ifindex && isSettingDrift(drift.kind))
      if (mine.some(({ attribution }) => attribution.name === 'vqtune')) {
        // An administrator's apply ends a suspension; a rollback is respected through the ledger.
        this.conflicts.end(nic.ifindex)
        continue
      }
      const foreign = mine.find(({ attribution }) => attribution.name !== 'kernel')
      if (foreign === undefined || counted.has(nic.ifindex)) continue
      if (this.conflicts.isSuspended(nic.ifindex, now)) continue
      const isMoved = mine.every(({ drift }) => drift.kind === 'irq-affinity')
      if (isMoved && this.excused.has(nic.ifindex)) continue
      if (!this.isReversed(nic.name, guest, settings)) continue
      const policy = nicSettings(settings, nic).onConflict
      const verdict = this.conflicts.reversed(nic.ifindex, policy, foreign.attribution.name, settings, now)
      verdicts.set(nic.ifindex, verdict)
      if (verdict.action === 'back-off') this.events.conflict(nic.name, foreign.attribution, verdict)
    }
    return verdicts
  }

  /** Whether something would have to be written: a change that is as desired, or held, is not a reversal. */
  private isReversed(nic: string, guest: ObservedGuest, settings: Settings): boolean {
    const operation = applyOperation(this.system, settings, {
      respectHolds: true,
      exemptions: this.exemptions,
    })
    const { steps } = operation.plan(guest, readLedger(this.system, guest.bootId))
    return steps.some((step) => step.nic === nic)
  }

  /**
   * Writes what is missing. Others may write at the same time, and their changes are repaired with the rest: so each
   * observation is judged before planning.
   * @param found the drift of those observations is added here
   * @param lock if it has been taken already
   * @returns undefined if it could not start; then reported as a problem
   */
  private async reconcile(
    settings: Settings,
    found: DriftFound[],
    lock: Lock | undefined,
  ): Promise<Reconciled> {
    const options = { respectHolds: true, exemptions: this.exemptions }
    const plain = applyOperation(this.system, settings, options)
    const { commitConfirmSeconds } = settings.guard
    const changes = new UnconfirmedChanges(this.system, commitConfirmSeconds)
    let written: Step[] = []
    let lastJudged: ObservedGuest | undefined
    const onLook = (guest: ObservedGuest): void => {
      this.detector.acceptWrites(guest, written)
      written = []
      const judged = this.detector.attributeAll(this.driftIn(guest, settings), guest)
      found.push(this.decide(judged, guest, settings, found))
      lastJudged = guest
    }
    try {
      const result = await converge(
        this.system,
        {
          ...plain,
          observe: (known) => this.observe(settings, known),
        },
        {
          signal: this.signal,
          lock,
          onLook,
          onOutcome: (outcome) => {
            written.push(outcome.step)
            this.observer.forget(outcome.step.tunable, outcome.step.ifindex)
            this.events.write(outcome)
          },
          ...(commitConfirmSeconds === 0 ? {} : { beforeChannels: (nics) => changes.observe(nics) }),
        },
      )
      for (const note of result.notes) this.events.problem('state', note)
      if (result.outcomes.length > 0) await this.confirmations.sync(result.guest)
      this.events.problem('confirm', this.confirmations.problem)
      const stopped = this.signal.aborted
      this.failures = result.failure === undefined || stopped ? 0 : this.failures + 1
      // With nothing to write the ledger was not needed either: an earlier failure to write it is not over.
      const verified = result.failure !== undefined || result.outcomes.length > 0
      if (verified || stopped || !this.ledgerFails) {
        this.events.problem('reconcile', stopped ? undefined : result.failure?.message)
        this.ledgerFails = result.failure?.kind === 'state' || result.failure?.kind === 'permission'
      }
      // The same observation as the last one judged, and the ledger as the reconcile left it.
      return { result, lastJudged: lastJudged === undefined ? undefined : result.guest }
    } catch (error) {
      if (!(error instanceof VqtuneError)) throw error
      // Told to stop while it waited for the lock.
      if (this.signal.aborted) return { result: undefined, lastJudged }
      // A trial began after this pass had looked; the next one sees what it changed.
      if (error.kind === 'busy') {
        this.noteLock(error)
        return { result: undefined, lastJudged, isBusy: true }
      }
      this.failures++
      this.events.problem('reconcile', error.message)
      return { result: undefined, lastJudged, problem: error.message }
    }
  }

  private record(
    judged: readonly AttributedDrift[],
    verdicts: ReadonlyMap<number, ConflictVerdict>,
    result: Convergence | undefined,
    settings: Settings,
  ): void {
    for (const { drift, attribution } of judged) {
      const { ifindex } = drift
      const verdict = ifindex === undefined ? undefined : verdicts.get(ifindex)
      const alone = ifindex !== undefined && this.conflicts.isSuspended(ifindex, this.clock.uptime())
      // Reported once, when it was decided; further writes of the other writer are not news.
      if (alone && verdict === undefined && isSettingDrift(drift.kind)) continue
      const { action, why } = outcomeOf(drift, verdict, result)
      const record: DriftRecord = {
        at: new Date(this.clock.wall()).toISOString(),
        kind: drift.kind,
        nic: drift.nic ?? null,
        old: drift.old,
        new: drift.new,
        writer: attribution.name,
        evidence: attribution.evidence,
        action,
        why,
      }
      this.events.drift(record)
      this.append(record, settings)
    }
  }

  /** Whether all queues of raised channels receive. */
  private async proveService(guest: ObservedGuest, changes: readonly ChannelChange[]): Promise<void> {
    this.service.follow(changes)
    await this.service.check(guest)
    const found = [...this.service.dead].flatMap(([ifindex, { why }]) => {
      const nic = nicByIndex(guest, ifindex)
      return nic === undefined ? [] : [`${nic.name}: ${why}`]
    })
    this.events.problem('queues', found.length === 0 ? undefined : found.join('; '))
  }

  /** Appends to the history; a failure is reported as a problem. */
  append(record: DriftRecord, { daemon }: Settings): void {
    this.guarded('history', () => appendHistory(this.system, record, daemon.historySizeKib))
  }

  /** A NIC suspended by "report" that is as desired again is watched as before. */
  private endReports(guest: ObservedGuest, settings: Settings): void {
    for (const { ifindex, suspended } of this.conflicts.all) {
      const nic = nicByIndex(guest, ifindex)
      // Out of view, as in another network namespace, is not gone.
      if (nic === undefined || suspended !== 'reported') continue
      const operation = applyOperation(this.system, settings, { respectHolds: true, nic: nic.name })
      const { steps } = operation.plan(guest, readLedger(this.system, guest.bootId))
      if (steps.length === 0) this.conflicts.end(ifindex)
    }
  }

  private save(guest: ObservedGuest): void {
    const state = { last: this.detector.remember(guest), conflicts: this.conflicts.all }
    const text = JSON.stringify(state)
    if (text === this.saved) return
    this.guarded('state', () => {
      writeState(this.system, { version: 3, at: new Date(this.clock.wall()).toISOString(), ...state })
      this.saved = text
    })
  }

  private guarded(topic: 'history' | 'state', write: () => void): void {
    try {
      write()
      this.events.problem(topic, undefined)
    } catch (error) {
      const text =
        error instanceof VqtuneError
          ? error.message
          : `${statePath(this.system)}: cannot write the daemon's state (${fileProblem(error)})`
      this.events.problem(topic, text)
    }
  }

  /** After a temporary failure: 5 s, 10 s ... 5 min. After a conflict: when the back-off ends. */
  private nextMs(result: Convergence | undefined): number | undefined {
    const back = this.conflicts.nextReturnMs(this.clock.uptime())
    const { dueMs } = this.confirmations
    const later = [this.service.nextMs, this.unnamed.nextMs, this.requests.nextMs]
    const waits = [back, dueMs, ...later].filter((ms) => ms !== undefined)
    const failed = result === undefined || result.failure?.retryable === true
    if (failed && this.failures > 0) {
      waits.push(Math.min(RETRY_FIRST_MS * 2 ** (this.failures - 1), RETRY_MAX_MS))
    }
    return waits.length === 0 ? undefined : Math.min(...waits)
  }
}
