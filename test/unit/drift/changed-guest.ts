/** A guest of four vCPUs whose NIC is as desired, and what has changed since. */
import { classifyDrift, type Drift } from '../../../src/drift/classify'
import { snapshotOf } from '../../../src/drift/snapshot'
import type { ObservedGuest, ObservedNic } from '../../../src/model'
import { guestOf, nicOf, withSetting } from '../../support/simulated-kernel'

export const ALL = [0, 1, 2, 3]
export const guest = guestOf(ALL, [nicOf({ ifindex: 2, maximum: 4 }, ALL)])
export const nic = guest.nics[0] as ObservedNic
export const before = snapshotOf(guest, [])
export const set = (of: ObservedGuest, tunable: string, key: string, value: string): ObservedGuest => ({
  ...of,
  nics: of.nics.map((one) => withSetting(one, tunable, key, value)),
})
export const movedTo = (of: ObservedGuest, queue: number, cpus: string) =>
  set(of, 'irq-affinity', `queue ${queue} rx`, cpus)
export const drifts = (after: ObservedGuest): readonly Drift[] => classifyDrift(before, snapshotOf(after, []))
