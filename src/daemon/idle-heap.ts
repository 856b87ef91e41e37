/**
 * Gives memory back after work. V8 collects when much has been allocated, and at rest nothing is: what a storm of events
 * left would stay for weeks (docs/decisions/runtime.md has the figures).
 */

/** From the first use of memory to the collection, which takes a hundredth of a second: repairs come first. */
const DELAY_MS = 15_000

export class IdleHeap {
  private timer: NodeJS.Timeout | undefined

  /** @param collect undefined: V8's own ways must do */
  constructor(
    private readonly collect = collector(),
    private readonly delayMs = DELAY_MS,
  ) {}

  /** Memory was used. However often that is, it is collected once in the delay. */
  used(): void {
    if (this.collect === undefined || this.timer !== undefined) return
    this.timer = setTimeout(() => {
      this.timer = undefined
      this.collect?.()
    }, this.delayMs).unref()
  }

  close(): void {
    clearTimeout(this.timer)
    this.timer = undefined
  }
}

/**
 * @returns undefined without `--expose-gc`, which systemd/private-runtime.conf gives. "last-resort" also returns the free
 *   pages (V8's src/extensions/gc-extension.cc; others keep them for a heap that grows again).
 */
function collector(): (() => void) | undefined {
  const { gc } = globalThis
  return gc === undefined
    ? undefined
    : () => void gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
