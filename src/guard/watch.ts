/**
 * One channel change under the guard: a comparison that alternates until the channels are cleared or limited.
 *
 *   before (fewer) -> more -> fewer -> more -> fewer: limited
 *
 * Every arrow needs a clear difference in the expected direction; the first without one ends the comparison, and the NIC
 * keeps the new count. All phases but the first after the change have random lengths, so that periodic load does not stay
 * in phase with them. Pure except for the random numbers that it is given.
 */
import { SETTLE_MS } from '../kernel/counters'
import { type Comparison, compareCounts, type GuardSlice } from './decide'
import type { Readings } from './readings'

/** Slices in a window. */
export const SLICES = 10
/** Slices before the change, if there are as many, so that load that varies on its own shows. */
export const BEFORE_SLICES = 3 * SLICES
const CYCLES = 2

/** What to do next. */
export type WatchStep =
  | { readonly kind: 'wait' }
  /** Set the NIC to that count and continue. */
  | { readonly kind: 'go'; readonly channels: number; readonly why: string }
  /** Done: the NIC gets the lower count. */
  | { readonly kind: 'guard-reduced'; readonly channels: number; readonly why: string }
  /** Done: the NIC keeps the new count. */
  | { readonly kind: 'kept' | 'not-judged'; readonly channels: number; readonly why: string }

export interface WatchOptions {
  readonly windowSeconds: number
  readonly regressionPercent: number
  /** A whole number in 0..limit-1. */
  readonly randomBelow: (limit: number) => number
}

export class Watch {
  private phase: 'more' | 'fewer' = 'more'
  private cycle = 1
  private length = SLICES
  private startedMs: number
  private arrivedMs: number | undefined
  private fewerSlices: readonly GuardSlice[]
  private moreSlices: readonly GuardSlice[] = []
  private lastWhy = ''

  /**
   * @param before slices with fewer channels, at least SLICES of them; see enoughBefore
   * @param nowMs of the change; monotonic, as the readings are
   */
  constructor(
    readonly fewer: number,
    public more: number,
    before: readonly GuardSlice[],
    private readonly options: WatchOptions,
    nowMs: number,
  ) {
    this.fewerSlices = before.slice(-BEFORE_SLICES)
    this.startedMs = nowMs
  }

  /** True during the first measurement with more channels: further increases then only change the upper count. */
  get fresh(): boolean {
    return this.cycle === 1 && this.phase === 'more'
  }

  /** True while the NIC has to have the lower count. */
  get atFewer(): boolean {
    return this.phase === 'fewer'
  }

  /** A further increase at the same time, as when vCPUs are added one by one. */
  raise(to: number, nowMs: number): void {
    this.more = to
    this.startPhase('more', SLICES, nowMs)
  }

  /** Evaluates the readings; to be called after each. */
  next(readings: Readings, nowMs: number): WatchStep {
    const channels = this.phase === 'more' ? this.more : this.fewer
    const now = readings.last?.channels
    if (now !== channels) {
      if (this.arrivedMs !== undefined) return this.give(`the channels were changed to ${now} meanwhile`)
      const late = nowMs - this.startedMs > Math.max(30_000, this.options.windowSeconds * 1000)
      return late ? this.give(`it did not get ${channels} channels`) : { kind: 'wait' }
    }
    this.arrivedMs ??= nowMs
    const sliceMs = (this.options.windowSeconds * 1000) / SLICES
    const settledMs = this.arrivedMs + Math.max(SETTLE_MS, sliceMs)
    const slices = readings.since(channels, settledMs)
    return slices.length < this.length ? { kind: 'wait' } : this.judge(slices, nowMs)
  }

  private judge(slices: readonly GuardSlice[], nowMs: number): WatchStep {
    if (this.phase === 'more') this.moreSlices = slices
    else this.fewerSlices = slices
    const { verdict, why } = compareCounts(this.fewerSlices, this.moreSlices, this.options.regressionPercent)
    if (verdict === 'quiet') return this.give(why)
    if (verdict === 'not-worse') return { kind: 'kept', channels: this.more, why: this.whyCleared(why) }
    return this.goOn(why, nowMs)
  }

  private whyCleared(why: Comparison['why']): string {
    const numbers = `${why} with ${this.more} instead of ${this.fewer} channels`
    return this.fresh
      ? `not clearly worse: ${numbers}`
      : `caused by the load, not by the channels: the rate did not follow them (${numbers})`
  }

  private goOn(why: string, nowMs: number): WatchStep {
    this.lastWhy = `${why} with ${this.more} instead of ${this.fewer} channels`
    const length = SLICES + this.options.randomBelow(SLICES / 2 + 1)
    if (this.phase === 'more') {
      this.startPhase('fewer', length, nowMs)
      return { kind: 'go', channels: this.fewer, why: this.lastWhy }
    }
    if (this.cycle === CYCLES) {
      return {
        kind: 'guard-reduced',
        channels: this.fewer,
        why: `${this.lastWhy}, ${CYCLES} times in a row`,
      }
    }
    this.cycle++
    this.startPhase('more', length, nowMs)
    return { kind: 'go', channels: this.more, why: this.lastWhy }
  }

  private startPhase(phase: 'more' | 'fewer', length: number, nowMs: number): void {
    this.phase = phase
    this.length = length
    this.startedMs = nowMs
    this.arrivedMs = undefined
  }

  private give(why: string): WatchStep {
    return { kind: 'not-judged', channels: this.more, why }
  }
}
