/** What changed between two looks at the guest. Pure; who did it is attribute.ts. */

import { TUNABLE_NAMES, type TunableName } from '../model'
import type { RecordedQueue } from '../planner/ledger'
import type { GuestSnapshot, NicSnapshot } from './snapshot'

/** Settings that vqtune writes and others may write, too. */
export type SettingDrift = TunableName

/** What vqtune does not write. */
export const GUEST_CHANGES = [
  'vcpus',
  'nic-added',
  'nic-removed',
  /** The host exposes another number of queue pairs: the device was plugged anew or its driver rebound. */
  'maximum',
  'xdp-attached',
  'xdp-detached',
] as const

export type DriftKind = SettingDrift | (typeof GUEST_CHANGES)[number]

export const DRIFT_KINDS: readonly DriftKind[] = [...TUNABLE_NAMES, ...GUEST_CHANGES]

export interface Drift {
  readonly kind: DriftKind
  /** Interface name; undefined for the guest as a whole. */
  readonly nic: string | undefined
  readonly ifindex: number | undefined
  /** Values for people: `4`, `0-3`, `queue 0 rx CPU 0, queue 1 rx CPU 1`. */
  readonly old: string
  readonly new: string
}

export function isSettingDrift(kind: DriftKind): kind is SettingDrift {
  return (TUNABLE_NAMES as readonly DriftKind[]).includes(kind)
}

/** The differences, guest first, then NIC by NIC in interface order. A NIC that was renamed is the same NIC. */
export function classifyDrift(before: GuestSnapshot, after: GuestSnapshot): readonly Drift[] {
  const drifts: Drift[] = []
  if (before.online !== after.online) {
    drifts.push({ kind: 'vcpus', nic: undefined, ifindex: undefined, old: before.online, new: after.online })
  }
  for (const nic of before.nics) {
    if (instanceIn(after, nic) === undefined) {
      drifts.push({ ...about('nic-removed', nic), old: `${nic.values.channels} channels`, new: 'none' })
    }
  }
  for (const nic of after.nics) {
    const known = instanceIn(before, nic)
    if (known !== undefined) {
      drifts.push(...compareNic(known, nic))
      continue
    }
    drifts.push({ ...about('nic-added', nic), old: 'none', new: `${nic.values.channels} channels` })
    // The same device with a new interface index: plugged anew, or its driver was bound again.
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
  if (before.values.channels !== after.values.channels) {
    // With the channels the kernel writes affinity and XPS anew: a consequence, not a drift of its own.
    drifts.push({
      ...about('channels', after),
      old: String(before.values.channels),
      new: String(after.values.channels),
    })
    return drifts
  }
  drifts.push(...compareQueues('irq-affinity', ['rx', 'tx'], before, after))
  drifts.push(...compareQueues('xps', ['xps'], before, after))
  return drifts
}

function compareMaximum(before: NicSnapshot, after: NicSnapshot): Drift[] {
  if (before.maximum === undefined || after.maximum === undefined || before.maximum === after.maximum)
    return []
  return [{ ...about('maximum', after), old: String(before.maximum), new: String(after.maximum) }]
}

/** All queues of one NIC in one record: a driver that rewrites 64 masks is one event, not 64. */
function compareQueues(
  kind: SettingDrift,
  keys: readonly (keyof RecordedQueue)[],
  before: NicSnapshot,
  after: NicSnapshot,
): Drift[] {
  const olds: string[] = []
  const news: string[] = []
  after.values.queues.forEach((queue, index) => {
    for (const key of keys) {
      const old = before.values.queues[index]?.[key]
      const now = queue[key]
      if (old === now || old === undefined || now === undefined) continue
      const where = `queue ${index} ${key} CPU`
      olds.push(`${where} ${old === '' ? 'none' : old}`)
      news.push(`${where} ${now === '' ? 'none' : now}`)
    }
  })
  return olds.length === 0 ? [] : [{ ...about(kind, after), old: olds.join(', '), new: news.join(', ') }]
}
