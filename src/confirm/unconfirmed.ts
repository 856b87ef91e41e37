/**
 * Changes of channels that are not confirmed yet, in the ledger: recorded before the write, confirmed when the watch ended
 * well, and taken over by whoever finds them when their watcher is gone.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isRunning, isSameProcess, ownProcess } from '../kernel/process-identity'
import type { ObservedGuest, ObservedNic } from '../model'
import { nicByIndex } from '../planner/find-nic'
import {
  entryOf,
  type Ledger,
  type LedgerEntry,
  readLedger,
  type Unconfirmed,
  withUnconfirmed,
  writeLedger,
} from '../planner/ledger'
import type { ChannelRecord } from '../planner/reconcile'
import { takeLock } from '../system/lock'
import { openSystem, type System } from '../system/system'
import { uptimeMs } from '../system/uptime'
import { recordValues } from '../tunables/engine'
import {
  type Connectivity,
  hasGateway,
  lostConnectivity,
  nameByIndex,
  probeConnectivity,
  readCarrier,
} from './connectivity'

/** A ledger entry with a change that is not confirmed. */
export type UnconfirmedEntry = LedgerEntry & { readonly unconfirmed: Unconfirmed }

export function unconfirmedEntries({ entries }: Pick<Ledger, 'entries'>): readonly UnconfirmedEntry[] {
  return entries.filter((entry): entry is UnconfirmedEntry => entry.unconfirmed !== undefined)
}

/** Those that this process has to watch. */
export function ownChanges(ledger: Pick<Ledger, 'entries'>): readonly UnconfirmedEntry[] {
  const own = ownProcess(openSystem())
  return unconfirmedEntries(ledger).filter(({ unconfirmed }) => isSameProcess(unconfirmed.watcher, own))
}

/** Those whose watcher is gone. A process of the running system watches a captured tree, too. */
export function abandonedChanges(ledger: Pick<Ledger, 'entries'>): readonly UnconfirmedEntry[] {
  const running = openSystem()
  return unconfirmedEntries(ledger).filter(({ unconfirmed }) => !isRunning(running, unconfirmed.watcher))
}

/** How often the ledger is read while another process watches, and how long after its time it may need for the ledger. */
const POLL_MS = 250
const GRACE_MS = 10_000

/**
 * Returns once no running vqtune watches the channels of that NIC any more; what a vqtune that is gone has left stays. Polled:
 * the watcher is another process.
 * @returns whether there was anything to wait for: then the NIC may have changed
 * @throws VqtuneError kind state
 */
export async function untilNobodyWatches(
  system: System,
  bootId: string,
  ifindex: number,
  signal: AbortSignal,
): Promise<boolean> {
  const isWatched = (): boolean => {
    const ledger = readLedger(system, bootId)
    const abandoned = abandonedChanges(ledger)
    return unconfirmedEntries(ledger).some(
      (entry) =>
        entry.ifindex === ifindex &&
        !abandoned.includes(entry) &&
        uptimeMs() < entry.unconfirmed.untilMs + GRACE_MS,
    )
  }
  const waits = isWatched()
  while (!signal.aborted && isWatched()) await sleep(POLL_MS, undefined, { signal }).catch(() => {})
  return waits
}

export function connectivityOf({ carrier, gateway, neighbour }: Unconfirmed): Connectivity {
  return { carrier, gateway, neighbour }
}

/**
 * The entry is still about that change: no other change, rollback or process came in between. Two changes may fall into the
 * same hundredth of a second, as exactly as /proc/uptime counts; where nothing else can be lost by the second, one watch will do.
 */
export function isSameChange(a: Unconfirmed, b: Unconfirmed): boolean {
  const hasSameToLose = a.carrier === b.carrier && a.gateway === b.gateway && a.neighbour === b.neighbour
  return hasSameToLose && a.untilMs === b.untilMs && isSameProcess(a.watcher, b.watcher)
}

/** Whether there is connectivity to lose. */
export function hasConnection(connectivity: Connectivity): boolean {
  return connectivity.carrier === true || hasGateway(connectivity)
}

interface Baseline {
  readonly nic: ObservedNic
  readonly connectivity: Connectivity
}

/** The changes of one run, for the ledger. */
export class UnconfirmedChanges implements ChannelRecord {
  private readonly baselines = new Map<number, Baseline>()
  /** What the ledger said before this run. */
  private readonly earlier = new Map<number, Unconfirmed | undefined>()

  /**
   * @param seconds of the watch that follows
   * @param carrierOnly does not ask for the gateway, which takes child processes, and 4 s where it is dead already
   */
  constructor(
    private readonly system: System,
    private readonly seconds: number,
    private readonly carrierOnly = false,
  ) {}

  /** Records the connectivity of NICs just before the change; what is recorded already is kept. */
  async observe(nics: readonly ObservedNic[]): Promise<this> {
    const unknown = nics.filter(({ ifindex }) => !this.baselines.has(ifindex))
    const probed = this.carrierOnly
      ? new Map<string, Connectivity>()
      : await probeConnectivity(
          this.system,
          unknown.map(({ name }) => name),
        )
    for (const nic of unknown) {
      const carrier = {
        carrier: readCarrier(this.system, nic.name),
        gateway: undefined,
        neighbour: undefined,
      }
      this.baselines.set(nic.ifindex, { nic, connectivity: probed.get(nic.name) ?? carrier })
    }
    return this
  }

  prepare(ledger: Ledger): Ledger {
    let result = ledger
    for (const [ifindex, baseline] of this.baselines) {
      if (this.earlier.has(ifindex)) continue
      const known = entryOf(ledger, baseline.nic)?.unconfirmed
      this.earlier.set(ifindex, known)
      result = withUnconfirmed(result, baseline.nic, this.changeFrom(known, baseline))
    }
    return result
  }

  /** The time begins now. Where the channels are as they were, nothing is left to confirm. */
  finish(ledger: Ledger, guest: ObservedGuest): Ledger {
    let result = ledger
    for (const [ifindex, known] of this.earlier) {
      const now = nicByIndex(guest, ifindex)
      const change = now && entryOf(ledger, now)?.unconfirmed
      if (now === undefined || change === undefined) continue
      const isAsBefore = now.channels.current === this.baselines.get(ifindex)?.nic.channels.current
      result = withUnconfirmed(result, now, isAsBefore ? known : { ...change, ...watchedFor(this.seconds) })
    }
    return result
  }

  private changeFrom(known: Unconfirmed | undefined, last: Baseline): Unconfirmed | undefined {
    const { connectivity, ...values } = known === undefined ? firstChange(last) : furtherChange(known, last)
    if (!hasConnection(connectivity)) return undefined
    return { ...values, ...recorded(connectivity), ...watchedFor(this.seconds) }
  }
}

type Change = Pick<Unconfirmed, 'confirmed' | 'before'> & { readonly connectivity: Connectivity }

function firstChange({ nic, connectivity }: Baseline): Change {
  return { confirmed: recordValues(nic), connectivity }
}

/**
 * While earlier changes are not confirmed yet: it reverts to the last confirmed channels, unless these are what the NIC was
 * set to; and connectivity that was lost meanwhile still counts as lost. A gateway that only the earlier changes have brought
 * back is what must not be lost now.
 */
export function furtherChange(known: Unconfirmed, { nic, connectivity }: Baseline): Change {
  const first = connectivityOf(known)
  if (!hasGateway(first) && hasGateway(connectivity)) return firstChange({ nic, connectivity })
  const isLost = lostConnectivity(first, connectivity) !== undefined
  return {
    confirmed: known.confirmed,
    before: recordValues(nic),
    connectivity: isLost ? first : withUnanswered(first, connectivity),
  }
}

/**
 * While the kernel probes a FAILED gateway again, its entry is INCOMPLETE for three seconds, and old entries are garbage-
 * collected (net/core/neighbour.c): neither means that there was no gateway to lose.
 */
function withUnanswered(first: Connectivity, last: Connectivity): Connectivity {
  const unanswered = last.neighbour === undefined || last.neighbour === 'INCOMPLETE'
  const isSame = hasGateway(first) && last.gateway === first.gateway
  return isSame && unanswered ? { ...last, neighbour: first.neighbour } : last
}

function recorded({ carrier, gateway, neighbour }: Connectivity): Partial<Unconfirmed> {
  return {
    ...(carrier === undefined ? {} : { carrier }),
    ...(gateway === undefined ? {} : { gateway }),
    ...(neighbour === undefined ? {} : { neighbour }),
  }
}

function watchedFor(seconds: number): Pick<Unconfirmed, 'until' | 'untilMs' | 'watcher'> {
  return {
    until: new Date(Date.now() + seconds * 1000).toISOString(),
    untilMs: uptimeMs() + seconds * 1000,
    watcher: ownProcess(openSystem()),
  }
}

/** How long the watch still has to last. */
export function secondsLeft({ untilMs }: Unconfirmed): number {
  return Math.max(0, (untilMs - uptimeMs()) / 1000)
}

/** A dead gateway is noticed after about four. */
const TAKEN_OVER_SECONDS = 6

/**
 * Makes those changes ours whose watcher is gone, as far as the NIC can be seen from here. They are watched for the rest of
 * their time, but never so short that a dead gateway would go unnoticed.
 * @throws VqtuneError kind busy, permission, state
 */
export async function takeOver(system: System, bootId: string): Promise<readonly UnconfirmedEntry[]> {
  const lock = await takeLock(system, 'confirm')
  try {
    const ledger = readLedger(system, bootId)
    const taken = abandonedChanges(ledger).flatMap((entry): UnconfirmedEntry[] => {
      const name = nameByIndex(system, entry)
      const seconds = Math.max(TAKEN_OVER_SECONDS, secondsLeft(entry.unconfirmed))
      return name === undefined
        ? []
        : [{ ...entry, name, unconfirmed: { ...entry.unconfirmed, ...watchedFor(seconds) } }]
    })
    if (taken.length === 0) return []
    writeLedger(
      system,
      taken.reduce((result, entry) => withUnconfirmed(result, entry, entry.unconfirmed), ledger),
    )
    return taken
  } finally {
    lock.release()
  }
}

/**
 * The watch ended well: nothing is left to confirm. Without effect if the change is no longer ours.
 * @throws VqtuneError kind busy, permission, state
 */
export async function confirmChanges(
  system: System,
  bootId: string,
  entries: readonly UnconfirmedEntry[],
): Promise<void> {
  if (entries.length === 0) return
  const lock = await takeLock(system, 'confirm')
  try {
    const ledger = readLedger(system, bootId)
    const ended = entries.filter((entry) => {
      const known = entryOf(ledger, entry)?.unconfirmed
      return known !== undefined && isSameChange(known, entry.unconfirmed)
    })
    if (ended.length === 0) return
    writeLedger(
      system,
      ended.reduce((result, entry) => withUnconfirmed(result, entry, undefined), ledger),
    )
  } finally {
    lock.release()
  }
}
