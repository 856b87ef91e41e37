/**
 * The daemon's guard: reads counters on a timer, compares traffic before and after each increase of channels by the
 * daemon, and before and after its changes of other tunables that [guard] watch names, and takes back what made traffic
 * worse. The result is in the ledger, where the planner reads it; the guard itself writes no setting.
 * Invariants: nothing is read while it is off; no child process; a bounded number of readings; its changes to the ledger
 * are serialized; an unfinished comparison leaves nothing behind.
 *
 * Of channels only increases are compared: a decrease is forced by a limit and cannot be reversed. Changes at boot are not
 * compared: there was no traffic before. A NIC has one comparison at a time; tunables that are changed together are
 * compared, and taken back, together.
 */

import type { Settings } from '../config/settings'
import { messageOf } from '../errors'
import type { ObservedGuest, ObservedNic } from '../model'
import { nicByIndex } from '../planner/find-nic'
import { entryOf, readLedger, writeLedger } from '../planner/ledger'
import type { RegressionHolds } from '../planner/plan'
import { conditionsOf, sameConditions } from '../planner/regression-hold'
import { takeLock } from '../system/lock'
import type { System } from '../system/system'
import { type ChangedTunable, recordValues } from '../tunables/engine'
import type { GuardSlice } from './decide'
import {
  type ChannelChange,
  type HoldEdit,
  isMissing,
  removal,
  stepBack,
  tunablesOf,
  withEdit,
} from './hold-edit'
import { type Reading, Readings, readNic } from './readings'
import { type ChangedSettings, changedSettings, type SettingChange, settingsText } from './settings'
import { channelSubject, type Subject, settingsSubject } from './subject'
import { BEFORE_SLICES, SLICES, Watch, type WatchStep } from './watch'

export type { ChannelChange, SettingChange }

export type GuardVerdict = 'guard-reduced' | 'kept' | 'not-judged'

export interface GuardEvents {
  /** An increase was compared. `to` is the previous count. */
  verdict(judged: {
    readonly nic: string
    readonly verdict: GuardVerdict
    readonly from: number
    readonly to: number
    readonly why: string
  }): void
  /** A change of other settings was compared. */
  settingsVerdict(judged: {
    readonly nic: string
    readonly verdict: GuardVerdict
    /** From the earlier values to those that were compared with them. */
    readonly changed: readonly ChangedTunable[]
    readonly why: string
  }): void
  /** Reported when it begins; undefined when it is over. */
  problem(topic: 'guard', text: string | undefined): void
}

/** What the guard needs to know of a pass. */
export interface GuardPass {
  readonly guest: ObservedGuest
  readonly changes: readonly ChannelChange[]
  readonly settingChanges: readonly SettingChange[]
  readonly regressionHolds: RegressionHolds
}

interface ActiveComparison {
  readonly watch: Watch
  readonly of: ChannelChange | ChangedSettings
  /** The comparison ends when these change. */
  readonly conditions: ReturnType<typeof conditionsOf>
}

/** The pass that sets the new values again follows at once, unless something delays it. */
const CLEARED_MS = 60_000
/** Readings kept per NIC: more than the longest phase and the time before the change need. */
const KEPT_READINGS = BEFORE_SLICES + SLICES

export class Guard {
  private timer: NodeJS.Timeout | undefined
  private windowSeconds = 0
  private guest: ObservedGuest | undefined
  private readonly readings = new Map<number, Readings>()
  private readonly comparisons = new Map<number, ActiveComparison>()
  /** Changes that the guard itself asked for, after it found that they are not the cause: as Subject.after. */
  private readonly cleared = new Map<number, { readonly to: string; readonly untilMs: number }>()
  private edits: Promise<void> = Promise.resolve()

  /** @param replan asks for a pass: the ledger has changed */
  constructor(
    private readonly system: System,
    private settings: Settings,
    private readonly events: GuardEvents,
    private readonly replan: () => void,
    private readonly clock: () => number = () => performance.now(),
  ) {
    this.configure(settings)
  }

  /** Starts, stops or continues. Readings are kept unless their interval changes. */
  configure(settings: Settings): void {
    this.settings = settings
    const { enabled, windowSeconds } = settings.guard
    const wanted = enabled ? windowSeconds : 0
    if (wanted === this.windowSeconds) return
    this.windowSeconds = wanted
    clearInterval(this.timer)
    this.timer = undefined
    this.readings.clear()
    // What they left in the ledger is valid under the old configuration only.
    this.comparisons.clear()
    this.cleared.clear()
    if (wanted > 0) this.timer = setInterval(() => void this.tick(), (wanted * 1000) / SLICES)
  }

  /** To be called after each pass of the daemon. */
  afterPass({ guest, changes, settingChanges, regressionHolds }: GuardPass): void {
    const earlier = this.guest
    this.guest = guest
    if (this.windowSeconds === 0) return
    this.forgetGone(guest)
    const { watch: watched } = this.settings.guard
    if (watched.includes('channels')) for (const change of changes) this.note(change, guest)
    for (const nic of guest.nics) {
      const own = settingChanges.filter(
        ({ ifindex, tunable }) => ifindex === nic.ifindex && watched.includes(tunable),
      )
      const moved = changes.some(({ ifindex }) => ifindex === nic.ifindex)
      if (own.length > 0) this.noteSettings(nic, guest, earlier, own, moved)
    }
    for (const [ifindex, comparison] of this.comparisons) {
      const nic = nicByIndex(guest, ifindex)
      if (nic === undefined) continue
      const conditions = conditionsOf(guest, nic, this.settings, tunablesOf(comparison.of))
      if (sameConditions(comparison.conditions, conditions)) continue
      this.end(nic, comparison, 'not-judged', 'vCPUs, the host or the configuration changed meanwhile')
    }
    // Left by a daemon that was killed during a comparison, or by a comparison that was abandoned.
    for (const [ifindex, { channels, settings }] of regressionHolds) {
      const { of } = this.comparisons.get(ifindex) ?? {}
      const own = of === undefined ? [] : tunablesOf(of)
      const left = Object.keys(settings).filter(
        (name) => settings[name]?.confirmed === false && !own.includes(name),
      )
      const isOwn = of !== undefined && 'to' in of
      if (channels?.confirmed === false && !isOwn) this.edit(ifindex, { channels: undefined })
      if (left.length > 0) this.edit(ifindex, { tunables: left, hold: undefined })
    }
  }

  /** Abandons all comparisons. @returns when nothing of them is left in the ledger */
  async close(): Promise<void> {
    clearInterval(this.timer)
    this.timer = undefined
    this.windowSeconds = 0
    for (const [ifindex, { watch, of }] of this.comparisons) if (watch.isBack) this.edit(ifindex, removal(of))
    this.comparisons.clear()
    await this.edits
  }

  /**
   * Reads every NIC on which something can be compared, and continues the comparisons.
   * @returns when the result is in the ledger
   */
  tick(): Promise<void> {
    const { guest } = this
    if (guest === undefined) return this.edits
    const nowMs = this.clock()
    for (const nic of guest.nics) {
      if (nic.channels.maximum === 1 && !this.watchesSettings) continue
      const reading = this.read(nic, nowMs)
      if (reading === undefined) continue
      const readings = this.readings.get(nic.ifindex) ?? new Readings(KEPT_READINGS)
      this.readings.set(nic.ifindex, readings)
      readings.add(reading)
      const comparison = this.comparisons.get(nic.ifindex)
      if (comparison !== undefined) this.follow(nic, comparison, comparison.watch.next(readings, nowMs))
    }
    return this.edits
  }

  private get watchesSettings(): boolean {
    return this.settings.guard.watch.some((name) => name !== 'channels')
  }

  /** A reading that fails, as with no descriptors left, is left out like that of a NIC that went. */
  private read(nic: ObservedNic, nowMs: number): Reading | undefined {
    try {
      return readNic(this.system, nic.name, settingsText(nic), nowMs)
    } catch {
      return undefined
    }
  }

  private forgetGone({ nics }: ObservedGuest): void {
    const present = new Set(nics.map(({ ifindex }) => ifindex))
    for (const known of [this.readings, this.comparisons, this.cleared]) {
      for (const ifindex of known.keys()) if (!present.has(ifindex)) known.delete(ifindex)
    }
  }

  private note({ ifindex, from, to }: ChannelChange, guest: ObservedGuest): void {
    const nic = nicByIndex(guest, ifindex)
    if (nic === undefined || to <= from) return
    const subject = channelSubject(from, to)
    if (this.isCleared(ifindex, subject.after)) return
    const conditions = conditionsOf(guest, nic, this.settings)
    const known = this.comparisons.get(ifindex)
    if (known !== undefined) {
      const { watch, of } = known
      const earlier = 'to' in of ? of : undefined
      // The alternation that the watch itself asked for.
      if (earlier?.from === from && earlier.to === to) return
      if (watch.fresh && earlier?.to === from) {
        const raised = { ifindex, from: earlier.from, to }
        watch.raise(channelSubject(raised.from, to), this.clock())
        this.comparisons.set(ifindex, { watch, of: raised, conditions })
        return
      }
      this.comparisons.delete(ifindex)
    }
    const baseline = this.readings.get(ifindex)?.latest(({ channels }) => channels === from) ?? []
    this.begin(nic, { ifindex, from, to }, subject, baseline, conditions)
  }

  /**
   * @param earlier as the last pass left the guest
   * @param moved channels were changed in the same pass
   */
  private noteSettings(
    nic: ObservedNic,
    guest: ObservedGuest,
    earlier: ObservedGuest | undefined,
    changes: readonly SettingChange[],
    moved: boolean,
  ): void {
    const { ifindex } = nic
    const of = changedSettings(nic, changes)
    const known = this.comparisons.get(ifindex)
    // The alternation that the watch itself asked for; what else happens to these settings ends it.
    if (known !== undefined && 'changed' in known.of) return
    if (this.isCleared(ifindex, of.after)) return
    // The repair of a drift.
    if (isRepair(earlier, ifindex, changes)) return
    if (moved || known !== undefined) {
      this.tell(nic, of, 'not-judged', 'channels were changed at the same time')
      return
    }
    const readings = this.readings.get(ifindex)
    const last = readings?.last?.settings
    const baseline = readings?.latest(({ settings }) => settings === last) ?? []
    const tunables = tunablesOf(of)
    const subject = settingsSubject(tunables, of.before, of.after)
    this.begin(nic, of, subject, baseline, conditionsOf(guest, nic, this.settings, tunables))
  }

  private isCleared(ifindex: number, to: string): boolean {
    const cleared = this.cleared.get(ifindex)
    this.cleared.delete(ifindex)
    return cleared?.to === to && this.clock() < cleared.untilMs
  }

  private begin(
    nic: ObservedNic,
    of: ActiveComparison['of'],
    subject: Subject,
    baseline: readonly GuardSlice[],
    conditions: ActiveComparison['conditions'],
  ): void {
    const { windowSeconds, regressionPercent } = this.settings.guard
    if (baseline.length < SLICES) {
      const had = 'to' in of ? `${of.from} channels` : 'the values before'
      const why = `it had ${had} for less than ${windowSeconds} s before: no baseline to compare with`
      this.tell(nic, of, 'not-judged', why)
      return
    }
    const options = {
      windowSeconds,
      regressionPercent,
      randomBelow: (limit: number) => Math.floor(Math.random() * limit),
    }
    this.comparisons.set(nic.ifindex, {
      watch: new Watch(subject, baseline, options, this.clock()),
      of,
      conditions,
    })
  }

  private follow(nic: ObservedNic, comparison: ActiveComparison, step: WatchStep): void {
    const { watch, of } = comparison
    switch (step.kind) {
      case 'wait':
        return
      case 'go':
        this.edit(nic.ifindex, watch.isBack ? stepBack(of, step.why, false) : removal(of))
        return
      default:
        this.end(nic, comparison, step.kind, step.why)
    }
  }

  private end(nic: ObservedNic, { watch, of }: ActiveComparison, verdict: GuardVerdict, why: string): void {
    this.comparisons.delete(nic.ifindex)
    if (verdict === 'guard-reduced') {
      this.edit(nic.ifindex, stepBack(of, why, true), () => this.tell(nic, of, verdict, why))
      return
    }
    this.tell(nic, of, verdict, why)
    if (!watch.isBack) return
    // The comparison's entry in the ledger is removed; the change that follows must not be compared again.
    this.cleared.set(nic.ifindex, { to: watch.subject.after, untilMs: this.clock() + CLEARED_MS })
    this.edit(nic.ifindex, removal(of))
  }

  private tell({ name }: ObservedNic, of: ActiveComparison['of'], verdict: GuardVerdict, why: string): void {
    if ('to' in of) this.events.verdict({ nic: name, verdict, from: of.to, to: of.from, why })
    else this.events.settingsVerdict({ nic: name, verdict, changed: of.changed, why })
  }

  /** Records the guard's decision in the ledger, one after another, and asks for a pass. */
  private edit(ifindex: number, wanted: HoldEdit, then?: () => void): void {
    this.edits = this.edits.then(async () => {
      try {
        if (!(await this.write(ifindex, wanted))) return
        this.events.problem('guard', undefined)
        then?.()
      } catch (error) {
        this.comparisons.delete(ifindex)
        this.events.problem(
          'guard',
          `the guard cannot record its decision in the ledger: ${messageOf(error)}`,
        )
      }
      this.replan()
    })
  }

  /** @returns whether the ledger has changed */
  private async write(ifindex: number, wanted: HoldEdit): Promise<boolean> {
    const { guest, settings } = this
    const nic = guest && nicByIndex(guest, ifindex)
    if (guest === undefined || nic === undefined) return false
    const lock = await takeLock(this.system, 'guard')
    try {
      const ledger = readLedger(this.system, guest.bootId)
      const entry = entryOf(ledger, nic)
      // An administrator's rollback takes precedence.
      if (entry === undefined || entry.held === true) return false
      if (!isMissing(wanted, entry)) return false
      writeLedger(this.system, withEdit(ledger, guest, nic, settings, wanted))
      return true
    } finally {
      lock.release()
    }
  }
}

/** Whether the old values are not those of the last pass. Values that it did not read, as ring sizes that nobody asked for, are. */
function isRepair(
  earlier: ObservedGuest | undefined,
  ifindex: number,
  changes: readonly SettingChange[],
): boolean {
  const nic = earlier && nicByIndex(earlier, ifindex)
  const before = nic === undefined ? {} : recordValues(nic)
  return changes.some(({ tunable, key, old }) => (before[tunable]?.[key] ?? old) !== old)
}
