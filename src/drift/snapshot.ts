/** What a look at the guest leaves behind for the next one: small, comparable, and storable as JSON. Pure. */
import { type RecordedValues, valuesOf } from '../ledger'
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
}

export interface GuestSnapshot {
  readonly bootId: string
  /** Online CPUs as a list text: "0-3". */
  readonly online: string
  readonly nics: readonly NicSnapshot[]
}

export function snapshotOf(guest: ObservedGuest): GuestSnapshot {
  return {
    bootId: guest.bootId,
    online: formatCpuList(guest.cpus.online),
    nics: guest.nics.map(nicSnapshot),
  }
}

function nicSnapshot(nic: ObservedNic): NicSnapshot {
  const { maximum } = nic.channels
  return {
    ifindex: nic.ifindex,
    name: nic.name,
    mac: nic.mac,
    virtio: nic.virtio,
    ...(maximum === undefined ? {} : { maximum }),
    xdp: nic.obstacle?.code === 'xdp',
    values: valuesOf(nic),
  }
}
