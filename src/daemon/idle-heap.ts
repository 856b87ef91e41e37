/**
 * Gives memory back after work. V8 collects when much has been allocated, and at rest nothing is: what a storm of events
 * left would stay for weeks (docs/decisions/runtime.md has the figures).
 */

/** From the first use of memory to the collection, which takes a hundredth of a second: repairs come first. */
const DELAY_MS = 15_000
/** A check that finds nothing allocates less, and needs no collection, which wakes V8's thread some twenty times. */
const WORTH_BYTES = 1.5 * 2 ** 20
/** V8 drops the code of functions that several collections in a row found unused: as long as one frees this much, another follows. */
const MORE_BYTES = 2 ** 18

interface Heap {
  /** Bytes in use, also by what is garbage. */
  used(): number
  collect(): void
}

export class IdleHeap {
  private timer: NodeJS.Timeout | undefined
  /** Bytes in use after the last collection. */
  private floor = 0

  /** @param heap undefined: V8's own ways must do */
  constructor(private readonly heap = collectable()) {}

  /** Memory was used. However often that is, it is looked at once in the delay. */
  used(): void {
    if (this.heap === undefined || this.timer !== undefined) return
    const { heap } = this
    this.timer = setTimeout(() => {
      this.timer = undefined
      this.collect(heap)
    }, DELAY_MS).unref()
  }

  close(): void {
    clearTimeout(this.timer)
    this.timer = undefined
  }

  private collect(heap: Heap): void {
    const before = heap.used()
    if (before - this.floor < WORTH_BYTES) return
    heap.collect()
    this.floor = heap.used()
    if (before - this.floor <= MORE_BYTES) return
    // The next one is worth it whatever was used since.
    this.floor = 0
    this.used()
  }
}

/**
 * @returns undefined without `--expose-gc`, which systemd/private-runtime.conf gives. "last-resort" also returns the free
 *   pages (V8's src/extensions/gc-extension.cc; others keep them for a heap that grows again).
 */
function collectable(): Heap | undefined {
  const { gc } = globalThis
  return gc === undefined
    ? undefined
    : {
        used: () => process.memoryUsage().heapUsed,
        collect: () => void gc({ type: 'major', execution: 'sync', flavor: 'last-resort' }),
      }
}
