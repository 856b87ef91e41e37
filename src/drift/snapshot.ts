/** What is kept of an observation for the next one: small, comparable, storable as JSON. Pure. */

import { formatCpuList } from '../kernel/cpulist'
import type { ObservedGuest, ObservedNic, RecordedValues, Step } from '../model'
import { nicByIndex } from '../planner/find-nic'
import { entryOf, type LedgerEntry } from '../planner/ledger'
import { recordValues, withWritten } from '../tunables/engine'

export interface NicSnapshot {
  readonly ifindex: number
  readonly name: string
  readonly mac: string
  readonly virtio: string
  /** Absent if the host's maximum is unknown. */
  readonly maximum?: number
  readonly xdp: boolean
  readonly channels: number
  readonly values: RecordedValues
  /** Time of its ledger entry, ISO 8601. Only compared for equality, since clocks can be set. */
  readonly recordedAt?: string
}

export interface GuestSnapshot {
  readonly bootId: string
  /** Online CPUs as a list: "0-3". */
  readonly online: string
  readonly nics: readonly NicSnapshot[]
}

/** @param entries of the ledger, at the time of this observation */
export function snapshotOf(guest: ObservedGuest, entries: readonly LedgerEntry[]): GuestSnapshot {
  return {
    bootId: guest.bootId,
    online: formatCpuList(guest.cpus.online),
    nics: guest.nics.map((nic) => nicSnapshot(nic, entryOf({ entries }, nic))),
  }
}

function nicSnapshot(nic: ObservedNic, entry: LedgerEntry | undefined): NicSnapshot {
  const { maximum } = nic.channels
  return {
    ifindex: nic.ifindex,
    name: nic.name,
    mac: nic.mac,
    virtio: nic.virtio,
    ...(maximum === undefined ? {} : { maximum }),
    xdp: nic.obstacle?.code === 'xdp',
    channels: nic.channels.current,
    values: recordValues(nic),
    ...(entry === undefined || isOnlySeen(entry) ? {} : { recordedAt: entry.at }),
  }
}

/** vqtune has done nothing to it. */
function isOnlySeen({ original, held }: LedgerEntry): boolean {
  return original === undefined && held !== true
}

/**
 * The earlier observation, but with what these steps wrote as in the later one, whether or not it persisted. Any remaining
 * difference was written by others. Pure.
 */
export function withOwnWrites(
  before: GuestSnapshot,
  after: GuestSnapshot,
  steps: readonly Step[],
): GuestSnapshot {
  const nics = before.nics.map((nic) => {
    const own = steps.filter(({ ifindex }) => ifindex === nic.ifindex)
    const now = nicByIndex(after, nic.ifindex)
    if (now === undefined || own.length === 0) return nic
    // Under the lock the ledger is ours too.
    const recorded = now.recordedAt === undefined ? {} : { recordedAt: now.recordedAt }
    return { ...nic, ...recorded, values: withWritten(nic.values, now.values, own) }
  })
  return { ...before, nics }
}
