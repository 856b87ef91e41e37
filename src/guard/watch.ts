/**
 * One change under the guard, of channels or of other tunables: a comparison that alternates until the new values are cleared, or
 * the earlier ones held.
 *
 *   before -> after -> before -> after -> before: held
 *
 * Every arrow needs a clear difference in the expected direction; the first without one ends the comparison, and the NIC
 * keeps the new values. All phases but the first after the change have random lengths, so that periodic load does not stay
 * in phase with them. Pure except for the random numbers that it is given.
 */
import { SETTLE_MS } from '../kernel/counters'
import { type Comparison, compareStates, type GuardSlice } from './decide'
import type { Reading, Readings } from './readings'
import type { Subject } from './subject'

/** Slices in a window. */
export const SLICES = 10
/** Slices before the change, if there are as many, so that load that varies on its own shows. */
export const BEFORE_SLICES = 3 * SLICES
const CYCLES = 2

/** What to do next. */
export type WatchStep =
  | { readonly kind: 'wait' }
  /** Set the NIC to that state and continue. */
  | { readonly kind: 'go'; readonly state: string; readonly why: string }
  /** Done: the NIC gets the state before. */
  | { readonly kind: 'guard-reduced'; readonly state: string; readonly why: string }
  /** Done: the NIC keeps the new state. */
  | { readonly kind: 'kept' | 'not-judged'; readonly state: string; readonly why: string }

export interface WatchOptions {
  readonly windowSeconds: number
  readonly regressionPercent: number
  /** A whole number in 0..limit-1. */
  readonly randomBelow: (limit: number) => number
}

export class Watch {
  private phase: 'after' | 'before' = 'after'
  private cycle = 1
  private length = SLICES
  private startedMs: number
  private arrivedMs: number | undefined
  private beforeSlices: readonly GuardSlice[]
  private afterSlices: readonly GuardSlice[] = []
  private lastWhy = ''

  /**
   * @param before slices of the state before, at least SLICES of them
   * @param nowMs of the change; monotonic, as the readings are
   */
  constructor(
    public subject: Subject,
    before: readonly GuardSlice[],
    private readonly options: WatchOptions,
    nowMs: number,
  ) {
    this.beforeSlices = before.slice(-BEFORE_SLICES)
    this.startedMs = nowMs
  }

  /** True during the first measurement of the new state: a further increase of channels then only changes that state. */
  get fresh(): boolean {
    return this.cycle === 1 && this.phase === 'after'
  }

  /** True while the NIC has to have the state before. */
  get isBack(): boolean {
    return this.phase === 'before'
  }

  /** A further increase at the same time, as when vCPUs are added one by one. */
  raise(subject: Subject, nowMs: number): void {
    this.subject = subject
    this.startPhase('after', SLICES, nowMs)
  }

  /** Evaluates the readings; to be called after each. */
  next(readings: Readings, nowMs: number): WatchStep {
    const { subject } = this
    const wanted = subject[this.phase]
    const isThere = (reading: Reading): boolean => subject.stateOf(reading) === wanted
    const { last } = readings
    if (last === undefined || !isThere(last)) {
      if (last !== undefined && this.arrivedMs !== undefined)
        return this.give(subject.changedTo(subject.stateOf(last)))
      const late = nowMs - this.startedMs > Math.max(30_000, this.options.windowSeconds * 1000)
      return late ? this.give(subject.missed(wanted)) : { kind: 'wait' }
    }
    this.arrivedMs ??= nowMs
    const sliceMs = (this.options.windowSeconds * 1000) / SLICES
    const settledMs = this.arrivedMs + Math.max(SETTLE_MS, sliceMs)
    const slices = readings.since(isThere, settledMs)
    return slices.length < this.length ? { kind: 'wait' } : this.judge(slices, nowMs)
  }

  private judge(slices: readonly GuardSlice[], nowMs: number): WatchStep {
    if (this.phase === 'after') this.afterSlices = slices
    else this.beforeSlices = slices
    const { regressionPercent } = this.options
    const { verdict, why } = compareStates(this.beforeSlices, this.afterSlices, regressionPercent)
    if (verdict === 'quiet') return this.give(why)
    if (verdict === 'not-worse') return { kind: 'kept', state: this.subject.after, why: this.whyCleared(why) }
    return this.goOn(why, nowMs)
  }

  private whyCleared(why: Comparison['why']): string {
    const { noun, versus } = this.subject
    const numbers = `${why} ${versus}`
    return this.fresh
      ? `not clearly worse: ${numbers}`
      : `caused by the load, not by the ${noun}: the rate did not follow them (${numbers})`
  }

  private goOn(why: string, nowMs: number): WatchStep {
    const { before, after, versus } = this.subject
    this.lastWhy = `${why} ${versus}`
    const length = SLICES + this.options.randomBelow(SLICES / 2 + 1)
    if (this.phase === 'after') {
      this.startPhase('before', length, nowMs)
      return { kind: 'go', state: before, why: this.lastWhy }
    }
    if (this.cycle === CYCLES) {
      return {
        kind: 'guard-reduced',
        state: before,
        why: `${this.lastWhy}, ${CYCLES} times in a row`,
      }
    }
    this.cycle++
    this.startPhase('after', length, nowMs)
    return { kind: 'go', state: after, why: this.lastWhy }
  }

  private startPhase(phase: 'after' | 'before', length: number, nowMs: number): void {
    this.phase = phase
    this.length = length
    this.startedMs = nowMs
    this.arrivedMs = undefined
  }

  private give(why: string): WatchStep {
    return { kind: 'not-judged', state: this.subject.after, why }
  }
}
