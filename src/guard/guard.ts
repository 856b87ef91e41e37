/**
 * The daemon's guard: reads counters on a timer, compares traffic before and after each increase of channels by the
 * daemon, and limits the NIC to fewer channels if traffic got worse. The result is in the ledger, where the planner reads
 * it; the guard itself writes no setting.
 * Invariants: nothing is read while it is off; no child process; a bounded number of readings; its changes to the ledger
 * are serialized; an unfinished comparison leaves nothing behind.
 *
 * Only increases are compared: a decrease is forced by a limit and cannot be reversed. Changes at boot are not compared:
 * there was no traffic before.
 */

import { randomInt } from 'node:crypto'
import type { Settings } from '../config/settings'
import { messageOf } from '../errors'
import type { ObservedGuest, ObservedNic, RegressionHold } from '../model'
import { nicByIndex } from '../planner/find-nic'
import { entryOf, readLedger, withRegressionHold, writeLedger } from '../planner/ledger'
import type { RegressionHolds } from '../planner/plan'
import { conditionsOf, sameConditions } from '../planner/regression-hold'
import { takeLock } from '../system/lock'
import type { System } from '../system/system'
import { type Reading, Readings, readNic } from './readings'
import { BEFORE_SLICES, SLICES, Watch, type WatchStep } from './watch'

/** Channels that the daemon changed in a pass. */
export interface ChannelChange {
  readonly ifindex: number
  readonly from: number
  readonly to: number
}

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
  /** Reported when it begins; undefined when it is over. */
  problem(topic: 'guard', text: string | undefined): void
}

/** What the guard needs to know of a pass. */
export interface GuardPass {
  readonly guest: ObservedGuest
  readonly changes: readonly ChannelChange[]
  readonly regressionHolds: RegressionHolds
}

interface ActiveComparison {
  readonly watch: Watch
  /** The comparison ends when these change. */
  readonly conditions: ReturnType<typeof conditionsOf>
}

/** The pass that raises the channels again follows at once, unless something delays it. */
const CLEARED_MS = 60_000
/** Readings kept per NIC: more than the longest phase and the time before the change need. */
const KEPT_READINGS = BEFORE_SLICES + SLICES

export class Guard {
  private timer: NodeJS.Timeout | undefined
  private windowSeconds = 0
  private guest: ObservedGuest | undefined
  private readonly readings = new Map<number, Readings>()
  private readonly comparisons = new Map<number, ActiveComparison>()
  /** Increases that the guard itself asked for, after it found that the channels are not the cause. */
  private readonly cleared = new Map<number, { readonly to: number; readonly untilMs: number }>()
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
  afterPass({ guest, changes, regressionHolds }: GuardPass): void {
    this.guest = guest
    if (this.windowSeconds === 0) return
    this.forgetGone(guest)
    for (const change of changes) this.note(change, guest)
    for (const [ifindex, { conditions, watch }] of this.comparisons) {
      const nic = nicByIndex(guest, ifindex)
      if (nic === undefined || sameConditions(conditions, conditionsOf(guest, nic, this.settings))) continue
      this.end(nic, watch, 'not-judged', 'vCPUs, the host or the configuration changed meanwhile')
    }
    // Left by a daemon that was killed during a comparison, or by a comparison that was abandoned.
    for (const [ifindex, { confirmed }] of regressionHolds) {
      if (!confirmed && !this.comparisons.has(ifindex)) this.edit(ifindex, undefined)
    }
  }

  /** Abandons all comparisons. @returns when nothing of them is left in the ledger */
  async close(): Promise<void> {
    clearInterval(this.timer)
    this.timer = undefined
    this.windowSeconds = 0
    for (const [ifindex, { watch }] of this.comparisons) if (watch.atFewer) this.edit(ifindex, undefined)
    this.comparisons.clear()
    await this.edits
  }

  /**
   * Reads every NIC that can have more than one queue, and continues the comparisons.
   * @returns when the result is in the ledger
   */
  tick(): Promise<void> {
    const { guest } = this
    if (guest === undefined) return this.edits
    const nowMs = this.clock()
    for (const nic of guest.nics) {
      if (nic.channels.maximum === 1) continue
      const reading = this.read(nic.name, nowMs)
      if (reading === undefined) continue
      const readings = this.readings.get(nic.ifindex) ?? new Readings(KEPT_READINGS)
      this.readings.set(nic.ifindex, readings)
      readings.add(reading)
      const watch = this.comparisons.get(nic.ifindex)?.watch
      if (watch !== undefined) this.follow(nic, watch, watch.next(readings, nowMs))
    }
    return this.edits
  }

  /** A reading that fails, as with no descriptors left, is left out like that of a NIC that went. */
  private read(nic: string, nowMs: number): Reading | undefined {
    try {
      return readNic(this.system, nic, nowMs)
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
    const cleared = this.cleared.get(ifindex)
    this.cleared.delete(ifindex)
    if (cleared?.to === to && this.clock() < cleared.untilMs) return
    const conditions = conditionsOf(guest, nic, this.settings)
    const known = this.comparisons.get(ifindex)
    if (known !== undefined) {
      const { watch } = known
      // The alternation that the watch itself asked for.
      if (watch.fewer === from && watch.more === to) return
      if (watch.fresh && watch.more === from) {
        watch.raise(to, this.clock())
        this.comparisons.set(ifindex, { watch, conditions })
        return
      }
      this.comparisons.delete(ifindex)
    }
    this.begin(nic, from, to, conditions)
  }

  private begin(
    nic: ObservedNic,
    from: number,
    to: number,
    conditions: ActiveComparison['conditions'],
  ): void {
    const before = this.readings.get(nic.ifindex)?.latestAt(from) ?? []
    const { windowSeconds, regressionPercent } = this.settings.guard
    if (before.length < SLICES) {
      const why = `it had ${from} channels for less than ${windowSeconds} s before: no baseline to compare with`
      this.events.verdict({ nic: nic.name, verdict: 'not-judged', from: to, to: from, why })
      return
    }
    const options = {
      windowSeconds,
      regressionPercent,
      randomBelow: (limit: number) => randomInt(limit),
    }
    this.comparisons.set(nic.ifindex, {
      watch: new Watch(from, to, before, options, this.clock()),
      conditions,
    })
  }

  private follow(nic: ObservedNic, watch: Watch, step: WatchStep): void {
    switch (step.kind) {
      case 'wait':
        return
      case 'go':
        this.edit(nic.ifindex, watch.atFewer ? stepBackOf(watch, step.why, false) : undefined)
        return
      default:
        this.end(nic, watch, step.kind, step.why)
    }
  }

  private end(nic: ObservedNic, watch: Watch, verdict: GuardVerdict, why: string): void {
    this.comparisons.delete(nic.ifindex)
    const tell = (): void =>
      this.events.verdict({ nic: nic.name, verdict, from: watch.more, to: watch.fewer, why })
    if (verdict === 'guard-reduced') {
      this.edit(nic.ifindex, stepBackOf(watch, why, true), tell)
      return
    }
    tell()
    if (!watch.atFewer) return
    // The comparison's entry in the ledger is removed; the increase that follows must not be compared again.
    this.cleared.set(nic.ifindex, { to: watch.more, untilMs: this.clock() + CLEARED_MS })
    this.edit(nic.ifindex, undefined)
  }

  /** Records the guard's decision in the ledger, one after another, and asks for a pass. */
  private edit(ifindex: number, wanted: WantedStep | undefined, then?: () => void): void {
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
  private async write(ifindex: number, wanted: WantedStep | undefined): Promise<boolean> {
    const { guest, settings } = this
    const nic = guest && nicByIndex(guest, ifindex)
    if (guest === undefined || nic === undefined) return false
    const lock = await takeLock(this.system, 'guard')
    try {
      const ledger = readLedger(this.system, guest.bootId)
      const entry = entryOf(ledger, nic)
      // An administrator's rollback takes precedence.
      if (entry === undefined || entry.held === true) return false
      if (wanted === undefined && entry.regressionHold === undefined) return false
      const at = new Date().toISOString()
      const regressionHold = wanted && { ...wanted, at, ...conditionsOf(guest, nic, settings) }
      writeLedger(this.system, withRegressionHold(ledger, nic, regressionHold))
      return true
    } finally {
      lock.release()
    }
  }
}

type WantedStep = Pick<RegressionHold, 'from' | 'to' | 'confirmed' | 'why'>

function stepBackOf({ fewer, more }: Watch, why: string, confirmed: boolean): WantedStep {
  return { from: more, to: fewer, confirmed, why }
}
