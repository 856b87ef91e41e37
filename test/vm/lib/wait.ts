/**
 * Waiting. A test waits for a condition, never for seconds: how long an emulated guest takes for anything is up to the
 * machine and to what else runs there. A limit is only there to end the wait for a condition that never comes, so it must
 * not end a slow one. Every limit of these tests is therefore given as it would do on the machine of reference (two quiet
 * cores of a cloud server), and multiplied by the slowness: how many times as long a small piece of work takes here as it
 * takes there. It is measured
 *   - in this process, before the first limit: for what the machine itself does, such as starting QEMU;
 *   - by each guest's boot, and in the guest when it has booted;
 *   - in all of them once more when a limit is over, since others may have begun to use the machine meanwhile.
 * The highest value so far counts, and at least 1.
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

/** Long after whatever a guest was asked for has happened, on the machine of reference. */
export const PATIENCE_MS = 120_000

/** A piece of work, and how long it takes on the machine of reference. */
export interface Yardstick {
  readonly referenceMs: number
  /** Rejects when it cannot be done: what does not answer any more is not slow. */
  readonly work: () => Promise<unknown>
}

const ZEROES = Buffer.alloc(2 ** 24)
const THIS_PROCESS: Yardstick = {
  referenceMs: 100,
  work: async () => {
    const hash = createHash('sha256')
    for (let i = 0; i < 8; i++) hash.update(ZEROES)
    hash.digest()
  },
}

const yardsticks = new Set<Yardstick>()
let slowness = 1

async function measure({ referenceMs, work }: Yardstick): Promise<void> {
  const startedMs = performance.now()
  await work()
  took(performance.now() - startedMs, referenceMs)
}

/** Something has been done that takes so long on the machine of reference. @returns how many times as long it took */
export function took(ms: number, referenceMs: number): number {
  slowness = Math.max(slowness, ms / referenceMs)
  return ms / referenceMs
}

/** Measures now, and again when limits are over, until `removeYardstick`. */
export async function addYardstick(yardstick: Yardstick): Promise<void> {
  yardsticks.add(yardstick)
  await measure(yardstick)
}

/** Of a guest that has gone. */
export function removeYardstick(yardstick: Yardstick): void {
  yardsticks.delete(yardstick)
}

await addYardstick(THIS_PROCESS)

/** What is given for the machine of reference, in any unit, as it has to be here and now. */
export function scaled(value: number): number {
  return value * slowness
}

/** A limit that gives way when the machine turns out to be slower than was thought. */
export class Limit {
  private readonly startedMs = performance.now()

  /** @param ms on the machine of reference */
  constructor(private readonly ms: number) {}

  async isOver(): Promise<boolean> {
    if (this.isWithin()) return false
    // One after the other: each is to have what the test has.
    for (const yardstick of [...yardsticks]) await measure(yardstick).catch(() => {})
    return !this.isWithin()
  }

  /** For a message. */
  toString(): string {
    return `${Math.round(scaled(this.ms) / 1000)} s, which is ${this.ms / 1000} s where all is ${slowness.toFixed(1)} times as quick`
  }

  private isWithin(): boolean {
    return performance.now() - this.startedMs < scaled(this.ms)
  }
}

/** Polls until `done` holds. After each look a pause as long as it took, since looking takes time from the guest. */
export async function waitUntil(what: string, limitMs: number, done: () => Promise<boolean>): Promise<void> {
  const limit = new Limit(limitMs)
  for (;;) {
    const startedMs = performance.now()
    if (await done()) return
    if (await limit.isOver()) throw new Error(`${what}: not within ${limit}`)
    await sleep(Math.max(50, performance.now() - startedMs))
  }
}
