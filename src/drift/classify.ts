/** What changed between two observations of the guest. Pure; who did it is in attribute.ts. */

import type { TunableName } from '../model'
import { changedValues, showSide } from '../tunables/engine'
import { TUNABLE_NAMES } from '../tunables/index'
import type { GuestSnapshot, NicSnapshot } from './snapshot'

/** Changes of what vqtune does not write. */
export const GUEST_CHANGES = [
  'vcpus',
  'nic-added',
  'nic-removed',
  /** The host exposes another number of queue pairs: the device was replugged or its driver rebound. */
  'maximum',
  'xdp-attached',
  'xdp-detached',
] as const

/** A tunable's name: a setting that vqtune writes and others may write too. Or a change of the guest itself. */
export type DriftKind = TunableName

export const DRIFT_KINDS: readonly DriftKind[] = [...TUNABLE_NAMES, ...GUEST_CHANGES]

export interface Drift {
  readonly kind: DriftKind
  /** Interface name; undefined for the guest as a whole. */
  readonly nic: string | undefined
  readonly ifindex: number | undefined
  /** Values as shown: `4`, `0-3`, `queue 0 rx CPU 0, queue 1 rx CPU 1`. */
  readonly old: string
  readonly new: string
}

export function isSettingDrift(kind: DriftKind): boolean {
  return TUNABLE_NAMES.includes(kind)
}

/** The differences, guest first, then NIC by NIC in interface order. A NIC that was renamed is the same NIC. */
export function classifyDrift(before: GuestSnapshot, after: GuestSnapshot): readonly Drift[] {
  const drifts: Drift[] = []
  if (before.online !== after.online) {
    drifts.push({ kind: 'vcpus', nic: undefined, ifindex: undefined, old: before.online, new: after.online })
  }
  for (const nic of before.nics) {
    if (instanceIn(after, nic) === undefined) {
      drifts.push({ ...about('nic-removed', nic), old: `${nic.channels} channels`, new: 'none' })
    }
  }
  for (const nic of after.nics) {
    const known = instanceIn(before, nic)
    if (known !== undefined) {
      drifts.push(...compareNic(known, nic))
      continue
    }
    drifts.push({ ...about('nic-added', nic), old: 'none', new: `${nic.channels} channels` })
    // The same device with a new interface index: replugged, or its driver was rebound.
    const former = before.nics.find((other) => other.mac === nic.mac)
    if (former !== undefined) drifts.push(...compareMaximum(former, nic))
  }
  return drifts
}

function instanceIn(guest: GuestSnapshot, nic: NicSnapshot): NicSnapshot | undefined {
  return guest.nics.find((other) => other.ifindex === nic.ifindex && other.virtio === nic.virtio)
}

function about(kind: DriftKind, nic: NicSnapshot): Pick<Drift, 'kind' | 'nic' | 'ifindex'> {
  return { kind, nic: nic.name, ifindex: nic.ifindex }
}

function compareNic(before: NicSnapshot, after: NicSnapshot): Drift[] {
  const drifts = compareMaximum(before, after)
  if (before.xdp !== after.xdp) {
    const word = (attached: boolean): string => (attached ? 'attached' : 'none')
    const kind = after.xdp ? 'xdp-attached' : 'xdp-detached'
    drifts.push({ ...about(kind, after), old: word(before.xdp), new: word(after.xdp) })
  }
  for (const changed of changedValues(before.values, after.values)) {
    // All settings of a tunable in one record: a driver that rewrites 64 masks is one event, not 64.
    const { tunable } = changed
    drifts.push({ ...about(tunable, after), old: showSide(changed, 'old'), new: showSide(changed, 'new') })
  }
  return drifts
}

function compareMaximum(before: NicSnapshot, after: NicSnapshot): Drift[] {
  if (before.maximum === undefined || after.maximum === undefined || before.maximum === after.maximum)
    return []
  return [{ ...about('maximum', after), old: String(before.maximum), new: String(after.maximum) }]
}
