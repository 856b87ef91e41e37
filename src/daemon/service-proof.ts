/**
 * Proof of service after the daemon raised channels: readings of the queues' counters, at growing distances, until each
 * queue has received something. Queues that get nothing are reported, and watched until they do.
 */
import { type DeadQueues, findDeadQueues } from '../confirm/queue-service'
import type { ChannelChange } from '../guard/guard'
import { type Activity, readQueueActivity } from '../kernel/queue-activity'
import type { ObservedGuest } from '../model'
import { activityBetween } from '../planner/dead-queues'
import { nicByIndex } from '../planner/find-nic'
import type { System } from '../system/system'

interface Watched {
  readonly channels: number
  /** Monotonic, milliseconds. */
  readonly dueMs: number
  readonly intervalMs: number
  readonly last: { readonly activity: Activity; readonly atMs: number } | undefined
  /** Queues that have not received anything since the raise. */
  readonly waiting: ReadonlySet<number>
  readonly dead: DeadQueues | undefined
}

const FIRST_MS = 10_000
const LONGEST_MS = 320_000
/** Some two hours: on a NIC without traffic there is nothing to prove. */
const MAX_READINGS = 25

export class ServiceProof {
  private readonly watched = new Map<number, Watched & { readonly readings: number }>()

  constructor(
    private readonly system: System,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Watches NICs whose channels were raised. */
  follow(changes: readonly ChannelChange[]): void {
    for (const { ifindex, from, to } of changes) {
      this.watched.delete(ifindex)
      if (to <= from) continue
      this.watched.set(ifindex, {
        ...{ channels: to, dueMs: this.now(), intervalMs: FIRST_MS, readings: 0 },
        ...{ last: undefined, dead: undefined },
        waiting: new Set(Array.from({ length: to }, (_, queue) => queue)),
      })
    }
  }

  /** Reads what is due. Does not throw: what cannot be read is read later. */
  async check(guest: ObservedGuest): Promise<void> {
    for (const [ifindex, watched] of this.watched) {
      const nic = nicByIndex(guest, ifindex)
      if (nic?.channels.current !== watched.channels) this.watched.delete(ifindex)
      else if (this.now() >= watched.dueMs) await this.read(nic, watched)
    }
  }

  private async read(
    nic: ObservedGuest['nics'][number],
    watched: Watched & { readings: number },
  ): Promise<void> {
    const { ifindex } = nic
    const { last, intervalMs } = watched
    const atMs = this.now()
    const readings = watched.readings + 1
    const next = {
      ...watched,
      readings,
      dueMs: atMs + intervalMs,
      intervalMs: Math.min(2 * intervalMs, LONGEST_MS),
    }
    const activity = await readQueueActivity(this.system, nic).catch(() => undefined)
    if (activity === undefined || last === undefined) {
      this.watched.set(ifindex, activity === undefined ? next : { ...next, last: { activity, atMs } })
      return
    }
    const grown = activityBetween(last.activity, activity)
    const waiting = new Set([...watched.waiting].filter((queue) => (grown.get(queue)?.rx ?? 0) === 0))
    const silent = watched.dead?.queues.filter((queue) => (grown.get(queue)?.rx ?? 0) === 0) ?? []
    const found = await findDeadQueues(this.system, nic, last.activity, activity, atMs - last.atMs)
    // Once proven it is over only when they receive: traffic may stop.
    const dead = found ?? (silent.length > 0 ? watched.dead : undefined)
    if (dead === undefined && (waiting.size === 0 || readings >= MAX_READINGS)) this.watched.delete(ifindex)
    else this.watched.set(ifindex, { ...next, last: { activity, atMs }, waiting, dead })
  }

  /** By interface index. */
  get dead(): ReadonlyMap<number, DeadQueues> {
    return new Map(
      [...this.watched].flatMap(([ifindex, { dead }]) =>
        dead === undefined ? [] : [[ifindex, dead] as const],
      ),
    )
  }

  /** Milliseconds until the next reading is due; undefined: none. */
  get nextMs(): number | undefined {
    const due = [...this.watched.values()].map(({ dueMs }) => dueMs)
    return due.length === 0 ? undefined : Math.max(0, Math.min(...due) - this.now())
  }
}
