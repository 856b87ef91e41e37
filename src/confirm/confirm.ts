/** Commit-confirm: channels that cut the NIC off are reverted automatically, since nobody can log in to do it. */

import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../errors'
import type { ObservedGuest, ObservedNic } from '../model'
import { nicByIndex } from '../planner/find-nic'
import { type Ledger, withHeld } from '../planner/ledger'
import { converge } from '../planner/reconcile'
import type { System } from '../system/system'
import { operand } from '../text/escape'
import { plural } from '../text/plural'
import { recordValues } from '../tunables/engine'
import {
  type Connectivity,
  hasGateway,
  lostConnectivity,
  probeConnectivity,
  probeGateway,
  readCarrier,
  readConnectivity,
} from './connectivity'
import { probeQueues } from './probe-queues'

/** A NIC just before its channels were changed. */
export interface Baseline {
  readonly nic: ObservedNic
  readonly connectivity: Connectivity
}

/** By interface index. */
export type Baselines = Map<number, Baseline>

/**
 * Records the connectivity of NICs; a baseline that is already recorded is kept.
 * @param carrierOnly does not ask for the gateway, which takes a child process, and 4 s where it is dead already
 */
export async function recordBaseline(
  system: System,
  before: Baselines,
  nics: readonly ObservedNic[],
  carrierOnly = false,
): Promise<void> {
  const unknown = nics.filter(({ ifindex }) => !before.has(ifindex))
  const probed = carrierOnly
    ? new Map<string, Connectivity>()
    : await probeConnectivity(
        system,
        unknown.map(({ name }) => name),
      )
  for (const nic of unknown) {
    const carrier = { carrier: readCarrier(system, nic.name), gateway: undefined, neighbour: undefined }
    before.set(nic.ifindex, { nic, connectivity: probed.get(nic.name) ?? carrier })
  }
}

/** Whether there is connectivity to lose. */
export function hasConnection({ connectivity }: Baseline): boolean {
  return connectivity.carrier === true || hasGateway(connectivity)
}

/** NICs whose channels did change, and that have connectivity to lose. */
export function baselinesToWatch(before: Baselines, after: ObservedGuest): readonly Baseline[] {
  return [...before.values()].filter((one) => {
    const now = nicByIndex(after, one.nic.ifindex)
    return now !== undefined && now.channels.current !== one.nic.channels.current && hasConnection(one)
  })
}

/**
 * The baseline of a further change while earlier changes are not confirmed yet: it reverts to the last confirmed channels,
 * unless these are what the NIC was set to; and connectivity that was lost meanwhile still counts as lost.
 * @param first just before the first unconfirmed change
 * @param last just before the further one
 * @param to the channels after it
 */
export function stillUnconfirmed(first: Baseline, last: Baseline, to: number): Baseline {
  const isLost = lostConnectivity(first.connectivity, last.connectivity) !== undefined
  return {
    nic: first.nic.channels.current === to ? last.nic : first.nic,
    connectivity: isLost ? first.connectivity : withUnanswered(first.connectivity, last.connectivity),
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

/** How a watch ended: connectivity lost, with the reason; verified; time over; or stopped by a signal. */
export type WatchEnd = { readonly lost: string } | 'verified' | 'over' | 'stopped'

/** With 600 s not every half second: each poll of a gateway takes three child processes. */
const MAX_POLLS = 60
const MIN_POLL_MS = 500

/**
 * Watches one NIC after its channels were changed, for the whole time unless `untilVerified` is set.
 * @param seconds 1..; a dead gateway is noticed after about 4
 * @param untilVerified end as soon as the gateway has answered through every transmit queue; without a gateway, check the
 *   carrier once
 */
export async function watchChange(
  system: System,
  { nic, connectivity }: Baseline,
  seconds: number,
  signal: AbortSignal | undefined,
  untilVerified: boolean,
): Promise<WatchEnd> {
  const { name } = nic
  const end = performance.now() + seconds * 1000
  const pollMs = Math.max(MIN_POLL_MS, (seconds * 1000) / MAX_POLLS)
  const stopped = (): boolean => signal?.aborted === true
  // What cannot be read now, for example without free descriptors, is neither lost nor verified.
  const look = () => readNow(system, name, connectivity).catch(() => undefined)
  if (untilVerified && !hasGateway(connectivity)) {
    if (stopped()) return 'stopped'
    const now = await look()
    if (now === undefined) return 'over'
    const lost = lostConnectivity(connectivity, now)
    return lost === undefined ? 'verified' : { lost }
  }
  for (;;) {
    if (stopped()) return 'stopped'
    if (untilVerified && (await probeQueues(system, nic, connectivity))) return 'verified'
    await probeGateway(system, name, connectivity)
    await pause(Math.min(pollMs, end - performance.now()), signal)
    // An administrator who presses Ctrl-C is still connected, and a daemon that stops leaves the NICs as they are.
    if (stopped()) return 'stopped'
    const now = await look()
    const lost = now && lostConnectivity(connectivity, now)
    if (lost !== undefined) return { lost }
    if (performance.now() >= end) return 'over'
  }
}

/** Of a NIC without a gateway to lose only the carrier matters, which takes no program. */
async function readNow(system: System, name: string, before: Connectivity): Promise<Connectivity> {
  if (hasGateway(before)) return readConnectivity(system, name)
  return { ...before, carrier: readCarrier(system, name) }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(Math.max(0, ms), undefined, signal === undefined ? {} : { signal }).catch(() => {})
}

/** A NIC that was cut off by its new channels. */
export interface ConnectivityLoss {
  readonly nic: string
  /** The channels that cut it off. */
  readonly from: number
  /** The previous channels, to which it was reverted. */
  readonly channels: number
  readonly why: string
  /** Why it could not be reverted; undefined: it was. */
  readonly failure: string | undefined
}

/**
 * Reverts a NIC to its previous settings, and holds it as after a rollback: before the next boot only an administrator's
 * apply tunes it again. Does not throw: a failure is in the result.
 * @param from the channels that cut it off
 */
export async function revert(
  system: System,
  nic: ObservedNic,
  from: number,
  why: string,
): Promise<ConnectivityLoss> {
  const loss = { nic: nic.name, from, channels: nic.channels.current, why }
  try {
    // Loaded late: an apply on the boot path gets here only when the network broke.
    const { restoreOperation } = await import('../planner/operations')
    const hold = (ledger: Ledger, _guest: unknown, _nics: unknown, at: string): Ledger =>
      withHeld(ledger, [nic], at, `${why} with ${from} channels`)
    const operation = restoreOperation(system, {
      purpose: 'confirm',
      ifindex: nic.ifindex,
      values: recordValues(nic),
      reason: `${why} after the change`,
      hold,
    })
    const { guest, failure } = await converge(system, operation)
    if (nicByIndex(guest, nic.ifindex) === undefined) return { ...loss, failure: 'the NIC went away' }
    return { ...loss, failure: failure?.message }
  } catch (error) {
    return { ...loss, failure: messageOf(error) }
  }
}

/** One line for the terminal and the journal. */
export function describeLoss({ nic, channels, why, failure }: ConnectivityLoss): string {
  return failure === undefined
    ? `${nic}: ${why} after the change: reverted to ${plural(channels, 'channel')}, held until the next boot or vqtune apply ${operand(nic)}`
    : `${nic}: ${why} after the change, and reverting to ${plural(channels, 'channel')} failed: ${failure}`
}
