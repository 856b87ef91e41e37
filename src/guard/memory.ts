/**
 * Counts that the guard stepped back from, so that they are not tried again and again. A failure is remembered until the
 * conditions it was found under change: the NIC instance, the number of vCPUs, or what the host exposes. Pure.
 */
import type { ObservedGuest, ObservedNic } from '../model'

export interface FailedCount {
  readonly virtio: string
  readonly ifindex: number
  readonly channels: number
  /** Online vCPUs then. */
  readonly vcpus: number
  readonly maximum: number | undefined
  readonly why: string
  /** ISO 8601. */
  readonly at: string
}

export type GuardMemory = readonly FailedCount[]

type Conditions = Pick<ObservedGuest, 'cpus' | 'nics'>

/** Adds a failure of the NIC's present count; an older one of the same count goes. */
export function withFailure(
  memory: GuardMemory,
  { cpus }: Pick<ObservedGuest, 'cpus'>,
  nic: ObservedNic,
  why: string,
  at: string,
): GuardMemory {
  const failed: FailedCount = {
    virtio: nic.virtio,
    ifindex: nic.ifindex,
    channels: nic.channels.current,
    vcpus: cpus.online.length,
    maximum: nic.channels.maximum,
    why,
    at,
  }
  const others = memory.filter((one) => !isAbout(one, nic) || one.channels !== failed.channels)
  return [...others, failed]
}

/** Drops what was found under other conditions than today's, and NICs that are gone. A maximum not asked for tells nothing. */
export function stillTrue(memory: GuardMemory, guest: Conditions): GuardMemory {
  return memory.filter((one) => {
    const nic = guest.nics.find((candidate) => isAbout(one, candidate))
    if (nic === undefined || one.vcpus !== guest.cpus.online.length) return false
    const { maximum } = nic.channels
    return maximum === undefined || one.maximum === undefined || maximum === one.maximum
  })
}

/** Why a NIC must not go to a count again, or undefined. */
export function barredBy(memory: GuardMemory, nic: ObservedNic, channels: number): FailedCount | undefined {
  return memory.find((one) => isAbout(one, nic) && one.channels === channels)
}

function isAbout(one: FailedCount, nic: Pick<ObservedNic, 'virtio' | 'ifindex'>): boolean {
  return one.virtio === nic.virtio && one.ifindex === nic.ifindex
}
