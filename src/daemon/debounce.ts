/**
 * Many events, one run. Invariants: at most one run at a time; events during a run lead to exactly one more run; a run
 * starts after `quietMs` without events, but no later than ten times `quietMs` after the first.
 */
export class Debounced {
  private timer: NodeJS.Timeout | undefined
  private firstAt: number | undefined
  private running: Promise<void> | undefined
  private reasons = new Set<string>()
  private closed = false

  /** @param run must not throw */
  constructor(
    private quietMs: number,
    private readonly run: (reasons: readonly string[]) => Promise<void>,
  ) {}

  setQuietMs(quietMs: number): void {
    this.quietMs = quietMs
  }

  /**
   * @param reason kept once, however often it occurs
   * @returns whether this is the first event of a burst and no run is in progress
   */
  trigger(reason: string): boolean {
    if (this.closed) return false
    this.reasons.add(reason)
    if (this.running !== undefined) return false
    const isFirst = this.firstAt === undefined
    const now = performance.now()
    this.firstAt ??= now
    const waitMs = Math.max(0, Math.min(this.quietMs, this.firstAt + 10 * this.quietMs - now))
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.start(), waitMs)
    return isFirst
  }

  private start(): void {
    this.timer = undefined
    this.firstAt = undefined
    const reasons = [...this.reasons]
    this.reasons = new Set()
    this.running = this.run(reasons).finally(() => {
      this.running = undefined
      const [late] = this.reasons
      if (late !== undefined) this.trigger(late)
    })
  }

  /** Starts no more runs. @returns when the current one has ended */
  async close(): Promise<void> {
    this.closed = true
    clearTimeout(this.timer)
    this.reasons.clear()
    await this.running
  }
}
