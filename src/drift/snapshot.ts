/** What a look at the guest leaves behind for the next one: small, comparable, and storable as JSON. Pure. */
import { entryOf, type LedgerEntry, type RecordedValues, valuesOf } from '../ledger'
import type { ObservedGuest, ObservedNic } from '../model'
import { formatCpuList } from '../system/cpulist'

export interface NicSnapshot {
  readonly ifindex: number
  readonly name: string
  readonly mac: string
  readonly virtio: string
  /** Absent when the host's maximum is not known. */
  readonly maximum?: number
  readonly xdp: boolean
  readonly values: RecordedValues
  /** When its ledger entry was written, ISO 8601. Only compared for being another: clocks are set. */
  readonly recordedAt?: string
}

export interface GuestSnapshot {
  readonly bootId: string
  /** Online CPUs as a list text: "0-3". */
  readonly online: string
  readonly nics: readonly NicSnapshot[]
}

/** @param entries the ledger's, as they are at this look */
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
    values: valuesOf(nic),
    ...(entry === undefined ? {} : { recordedAt: entry.at }),
  }
}
