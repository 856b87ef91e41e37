/**
 * One channel change under the guard: a comparison that goes back and forth until the channels are acquitted or convicted.
 *
 *   before (fewer) -> more -> fewer -> more -> fewer: stepped back
 *
 * Every arrow needs a clear difference in the right direction; the first that lacks it ends the comparison, and the NIC
 * keeps the new count. All phases but the first after the change have lengths that differ by chance, so that load that
 * comes and goes in step with them does not stay in step. Pure but for the random numbers that it is given.
 */
import { SETTLE_MS } from '../kernel/counters'
import { type Comparison, compareCounts, type GuardSlice } from './decide'
import type { Readings } from './readings'

/** Slices in a window. */
export const SLICES = 10
/** As much before the change is looked at, if it is there, so that load that varies by itself is known to. */
export const BEFORE_SLICES = 3 * SLICES
const CYCLES = 2

/** What is to be done now. */
export type WatchStep =
  | { readonly kind: 'wait' }
  /** Bring the NIC to that many, and go on. */
  | { readonly kind: 'go'; readonly channels: number; readonly why: string }
  /** Over: the NIC is to have the fewer channels. */
  | { readonly kind: 'guard-reduced'; readonly channels: number; readonly why: string }
  /** Over: the NIC is to have the new channels. */
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

  /** True while the first measurement with more channels goes on: further raises then only move the goal. */
  get fresh(): boolean {
    return this.cycle === 1 && this.phase === 'more'
  }

  /** True while the NIC is to have the fewer channels. */
  get atFewer(): boolean {
    return this.phase === 'fewer'
  }

  /** A further raise in the same time, as when vCPUs come one by one. */
  raise(to: number, nowMs: number): void {
    this.more = to
    this.startPhase('more', SLICES, nowMs)
  }

  /** Looks at the readings; to be called after each. */
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
      : `it was the load, not the channels: it did not follow them (${numbers})`
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
        why: `${this.lastWhy}, and so ${CYCLES} times in turn`,
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
