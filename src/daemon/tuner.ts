/**
 * One pass: look, tell what changed and who did it, decide by policy, reconcile, record. Invariants: passes do not
 * overlap (the caller's Debounced sees to that); what is left alone is exempt in the reconcile, not merely unlogged;
 * a pass that finds nothing new starts no program and writes no file.
 */
import { nicSettings, type Settings } from '../config/settings'
import type { Writer } from '../drift/attribute'
import { type Drift, isSettingDrift } from '../drift/classify'
import type { Verdict } from '../drift/conflict'
import { appendHistory, type DriftRecord } from '../drift/history'
import { fileTrouble, VqtuneError } from '../errors'
import { tuneGoal } from '../goals'
import { type BeforeChanges, type LostNic, noteBefore } from '../guard/confirm'
import type { ChannelChange } from '../guard/guard'
import { putBackRecord } from '../guard/record'
import { readLedger } from '../ledger'
import type { ObservedGuest, Skip, Step } from '../model'
import type { StepBacks } from '../plan'
import { type Convergence, converge, type StepOutcome } from '../reconcile'
import { stepBacksOf } from '../step-back'
import type { Host } from '../system/host'
import { takeLock } from '../system/lock'
import { type Clock, systemClock } from './clock'
import { Confirmations } from './confirmations'
import { Conflicts } from './conflicts'
import { Lookout } from './look'
import { channelChanges, outcomeOf } from './outcome'
import { readState, statePath, writeState } from './state'
import type { LeftAlone } from './view'
import { type Judged, Witness } from './witness'

/** What the tuner tells; the daemon logs and counts it. */
export interface TunerEvents {
  drift(record: DriftRecord): void
  write(outcome: StepOutcome): void
  fight(nic: string, rival: Writer, verdict: Extract<Verdict, { action: 'back-off' }>): void
  /** New channels had cut a NIC off. */
  putBack(lost: LostNic): void
  /** Told when it begins and when it is another one; undefined when it is over. */
  trouble(topic: 'ethtool' | 'reconcile' | 'history' | 'state', text: string | undefined): void
}

export interface PassResult {
  readonly guest: ObservedGuest
  readonly skips: readonly Skip[]
  /** Writes that are still missing. */
  readonly missing: readonly Step[]
  readonly leftAlone: readonly LeftAlone[]
  /** Channels that were changed in this pass. */
  readonly changes: readonly ChannelChange[]
  /** What the guard stepped back from and still holds. */
  readonly stepBacks: StepBacks
  /** Another pass is due after so many milliseconds; undefined: none. */
  readonly againMs: number | undefined
}

/** What one look has shown, and what that means for the NICs. */
interface Found {
  readonly judged: readonly Judged[]
  /** By interface index. */
  readonly verdicts: ReadonlyMap<number, Verdict>
}

const RETRY_FIRST_MS = 5_000
const RETRY_LONGEST_MS = 300_000
const LOCK_WAIT_MS = 10_000

export class Tuner {
  private readonly lookout: Lookout
  private readonly witness: Witness
  private readonly conflicts = new Conflicts()
  private readonly confirmations: Confirmations
  private failures = 0
  /** The last reconcile that wrote could not note it in the ledger. */
  private ledgerFails = false
  private restored = false
  /** What the state file says, without the time. */
  private saved = ''

  constructor(
    private readonly host: Host,
    private readonly events: TunerEvents,
    private readonly signal: AbortSignal,
    private readonly clock: Clock = systemClock,
    /** Asks for a pass at once. */
    wake: () => void = () => {},
  ) {
    this.lookout = new Lookout(host)
    this.witness = new Witness(host)
    this.confirmations = new Confirmations(host, signal, wake)
  }

  /** An event came: see who is at work, before it is gone. */
  lookAround(): void {
    this.witness.lookAround()
  }

  /** An administrator's change of the configuration ends what was left alone under the old one. */
  forgetConflicts(): void {
    this.conflicts.forget()
  }

  /** @throws VqtuneError kind unsupported when the guest cannot be looked at, state for a damaged ledger */
  async pass(settings: Settings): Promise<PassResult> {
    let guest = await this.lookout.look()
    this.restore(guest.bootId)
    guest = await this.putBack(guest, settings)
    let drifts = this.witness.compare(guest)
    if (drifts.some((drift) => isSettingDrift(drift.kind))) {
      // An apply that is half done looks like another writer: wait until no other vqtune is at work, look again.
      if (!(await this.waitForOthers())) return this.standAside(guest)
      guest = await this.lookout.look()
      drifts = this.witness.compare(guest)
    }
    const found = [this.judge(drifts, guest, settings, [])]
    const { result, lastJudged } = await this.reconcile(settings, found)
    for (const { judged, verdicts } of found) this.record(judged, verdicts, result, settings)
    const last = result?.guest ?? guest
    this.endReports(last, settings)
    this.events.trouble('ethtool', this.lookout.problem)
    // What came in between the last look that was judged and one that was not is for the next pass to find.
    this.save(lastJudged ?? guest)
    return {
      guest: last,
      skips: result?.skips ?? [],
      missing: result?.missing ?? [],
      changes: channelChanges(result),
      stepBacks: result === undefined ? new Map() : stepBacksOf(last, result.ledger, settings),
      leftAlone: this.conflicts.leftAlone(last, this.clock),
      againMs: this.nextMs(result),
    }
  }

  /**
   * Judges what a look shows, and makes it the one to compare the next with.
   * @param sofar in this pass
   */
  private judge(
    drifts: readonly Drift[],
    guest: ObservedGuest,
    settings: Settings,
    sofar: readonly Found[],
  ): Found {
    const judged = this.witness.judge(drifts, guest)
    const now = this.clock.uptime()
    this.conflicts.age(settings, now)
    // A script that writes one setting after the other is one reversal, however many looks fall into it.
    const counted = new Set(sofar.flatMap(({ verdicts }) => [...verdicts.keys()]))
    const verdicts = this.decide(judged, guest, settings, now, counted)
    this.witness.remember(guest)
    return { judged, verdicts }
  }

  private restore(bootId: string): void {
    if (this.restored) return
    this.restored = true
    const state = readState(this.host, bootId)
    if (state === undefined) return
    this.witness.restore(state.last)
    this.conflicts.restore(state.conflicts)
  }

  /** Gives NICs that their new channels have cut off what they had. Our own doing: no drift. */
  private async putBack(guest: ObservedGuest, settings: Settings): Promise<ObservedGuest> {
    const lost = await this.confirmations.putBack(guest)
    if (lost.length === 0) return guest
    for (const one of lost) {
      this.events.putBack(one)
      this.append(putBackRecord(one, new Date(this.clock.wall()).toISOString()), settings)
    }
    const now = await this.lookout.look()
    this.witness.accept(now, new Set(lost.map(({ nic }) => nic)))
    return now
  }

  /** @returns false when another vqtune is still at work after so long: a trial takes minutes */
  private async waitForOthers(): Promise<boolean> {
    try {
      const lock = await takeLock(this.host, 'daemon', LOCK_WAIT_MS)
      lock.release()
      return true
    } catch (error) {
      if (!(error instanceof VqtuneError)) throw error
      // No lock at all: judge by what is there; the reconcile tells what is wrong.
      return error.kind !== 'busy'
    }
  }

  /**
   * What another vqtune does under its lock is no drift. The last look stays the one to compare with, so that what it
   * leaves behind is judged when it is done.
   */
  private standAside(guest: ObservedGuest): PassResult {
    return {
      guest,
      skips: [],
      missing: [],
      changes: [],
      stepBacks: new Map(),
      leftAlone: this.conflicts.leftAlone(guest, this.clock),
      againMs: RETRY_FIRST_MS,
    }
  }

  /**
   * Verdicts by interface index, one for each NIC whose settings another writer reversed in this look.
   * @param counted NICs that have their verdict
   */
  private decide(
    judged: readonly Judged[],
    guest: ObservedGuest,
    settings: Settings,
    now: number,
    counted: ReadonlySet<number>,
  ): ReadonlyMap<number, Verdict> {
    const verdicts = new Map<number, Verdict>()
    for (const nic of guest.nics) {
      const mine = judged.filter(({ drift }) => drift.ifindex === nic.ifindex && isSettingDrift(drift.kind))
      if (mine.some(({ writer }) => writer.name === 'vqtune')) {
        // An administrator's apply ends a yield; their rollback is respected through the ledger.
        this.conflicts.end(nic.ifindex)
        continue
      }
      const foreign = mine.find(({ writer }) => writer.name !== 'kernel')
      if (foreign === undefined || counted.has(nic.ifindex)) continue
      if (this.conflicts.isLeftAlone(nic.ifindex, now)) continue
      if (!this.reversed(nic.name, guest, settings)) continue
      const policy = nicSettings(settings, nic).onConflict
      const verdict = this.conflicts.reversed(nic.ifindex, policy, foreign.writer.name, settings, now)
      verdicts.set(nic.ifindex, verdict)
      if (verdict.action === 'back-off') this.events.fight(nic.name, foreign.writer, verdict)
    }
    return verdicts
  }

  /** Whether something would have to be written: a change that is as desired, or held, is no reversal. */
  private reversed(nic: string, guest: ObservedGuest, settings: Settings): boolean {
    const goal = tuneGoal(this.host, settings, {
      respectHolds: true,
      exemptions: this.conflicts.exemptions(guest, this.clock),
    })
    const { steps } = goal.plan(guest, readLedger(this.host, guest.bootId))
    return steps.some((step) => step.nic === nic)
  }

  /**
   * Writes what is missing. Others may write meanwhile, too, and what they did is repaired with the rest: so each look is
   * judged before it is planned for.
   * @param found what those looks show is added here
   * @returns no result when it could not even begin; told as trouble then
   */
  private async reconcile(
    settings: Settings,
    found: Found[],
  ): Promise<{ readonly result: Convergence | undefined; readonly lastJudged: ObservedGuest | undefined }> {
    const options = { respectHolds: true }
    const plain = tuneGoal(this.host, settings, options)
    const before: BeforeChanges = new Map()
    let written: Step[] = []
    let lastJudged: ObservedGuest | undefined
    const onLook = (guest: ObservedGuest): void => {
      this.witness.acceptWrites(guest, written)
      written = []
      found.push(this.judge(this.witness.compare(guest), guest, settings, found))
      lastJudged = guest
    }
    const { commitConfirmSeconds } = settings.guard
    try {
      const result = await converge(
        this.host,
        {
          ...plain,
          observe: (known) => this.lookout.look(known),
          // Exemptions are by name; a NIC may be renamed between two looks.
          plan: (guest, ledger) =>
            tuneGoal(this.host, settings, {
              ...options,
              exemptions: this.conflicts.exemptions(guest, this.clock),
            }).plan(guest, ledger),
        },
        {
          signal: this.signal,
          lockWaitMs: LOCK_WAIT_MS,
          onLook,
          onOutcome: (outcome) => {
            written.push(outcome.step)
            this.events.write(outcome)
          },
          ...(commitConfirmSeconds === 0
            ? {}
            : { beforeChannels: (nics) => noteBefore(this.host, before, nics) }),
        },
      )
      this.confirmations.watch(before, channelChanges(result), commitConfirmSeconds)
      const stopped = this.signal.aborted
      this.failures = result.failure === undefined || stopped ? 0 : this.failures + 1
      // With nothing to write there was no need of the ledger either: that it could not be written is not over.
      const proven = result.failure !== undefined || result.outcomes.length > 0
      if (proven || stopped || !this.ledgerFails) {
        this.events.trouble('reconcile', stopped ? undefined : result.failure?.message)
        this.ledgerFails = result.failure?.kind === 'state' || result.failure?.kind === 'permission'
      }
      // The same look as the last one judged, and the ledger is as the reconcile left it.
      return { result, lastJudged: lastJudged === undefined ? undefined : result.guest }
    } catch (error) {
      if (!(error instanceof VqtuneError)) throw error
      this.failures++
      this.events.trouble('reconcile', error.message)
      return { result: undefined, lastJudged }
    }
  }

  private record(
    judged: readonly Judged[],
    verdicts: ReadonlyMap<number, Verdict>,
    result: Convergence | undefined,
    settings: Settings,
  ): void {
    for (const { drift, writer } of judged) {
      const { ifindex } = drift
      const verdict = ifindex === undefined ? undefined : verdicts.get(ifindex)
      const alone = ifindex !== undefined && this.conflicts.isLeftAlone(ifindex, this.clock.uptime())
      // Told once, when it was decided; a rival that goes on is not news.
      if (alone && verdict === undefined && isSettingDrift(drift.kind)) continue
      const { action, why } = outcomeOf(drift, verdict, result)
      const record: DriftRecord = {
        at: new Date(this.clock.wall()).toISOString(),
        kind: drift.kind,
        nic: drift.nic ?? null,
        old: drift.old,
        new: drift.new,
        writer: writer.name,
        evidence: writer.evidence,
        action,
        why,
      }
      this.events.drift(record)
      this.append(record, settings)
    }
  }

  /** Adds to the history; that it cannot is told as trouble. */
  append(record: DriftRecord, { daemon }: Settings): void {
    this.guarded('history', () => appendHistory(this.host, record, daemon.historySizeKib))
  }

  /** A reported NIC that is as desired again is watched as before. */
  private endReports(guest: ObservedGuest, settings: Settings): void {
    for (const { ifindex, leftAlone } of this.conflicts.all) {
      const nic = guest.nics.find((candidate) => candidate.ifindex === ifindex)
      if (nic === undefined) {
        this.conflicts.end(ifindex)
        continue
      }
      if (leftAlone !== 'reported') continue
      const goal = tuneGoal(this.host, settings, { respectHolds: true, nic: nic.name })
      const { steps } = goal.plan(guest, readLedger(this.host, guest.bootId))
      if (steps.length === 0) this.conflicts.end(ifindex)
    }
  }

  private save(guest: ObservedGuest): void {
    const state = { last: this.witness.remember(guest), conflicts: this.conflicts.all }
    const text = JSON.stringify(state)
    if (text === this.saved) return
    this.guarded('state', () => {
      writeState(this.host, { version: 2, at: new Date(this.clock.wall()).toISOString(), ...state })
      this.saved = text
    })
  }

  private guarded(topic: 'history' | 'state', write: () => void): void {
    try {
      write()
      this.events.trouble(topic, undefined)
    } catch (error) {
      const text =
        error instanceof VqtuneError
          ? error.message
          : `${statePath(this.host)}: cannot write the daemon's state (${fileTrouble(error)})`
      this.events.trouble(topic, text)
    }
  }

  /** After a failure that may pass: 5 s, 10 s ... 5 min. After a fight: when it is time to come back. */
  private nextMs(result: Convergence | undefined): number | undefined {
    const back = this.conflicts.nextReturnMs(this.clock.uptime())
    const waits = back === undefined ? [] : [back]
    if (this.confirmations.isDue) waits.push(RETRY_FIRST_MS)
    const failed = result === undefined || result.failure?.retryable === true
    if (failed && this.failures > 0) {
      waits.push(Math.min(RETRY_FIRST_MS * 2 ** (this.failures - 1), RETRY_LONGEST_MS))
    }
    return waits.length === 0 ? undefined : Math.min(...waits)
  }
}
