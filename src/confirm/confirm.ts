/** Commit-confirm: channels that cut the NIC off are reverted automatically, since nobody can log in to do it. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { System } from '../system/system'
import {
  type Connectivity,
  hasGateway,
  lostConnectivity,
  nameByIndex,
  probeGateway,
  readCarrier,
  readConnectivity,
  verifiedLoss,
} from './connectivity'
import { probeQueues } from './probe-queues'

/** How a watch ended: connectivity lost, with the reason; verified; time over; or stopped by a signal. */
export type WatchEnd = { readonly lost: string } | 'verified' | 'over' | 'stopped'

/** With 600 s not every half second: each poll of a gateway takes three child processes. */
const MAX_POLLS = 60
const MIN_POLL_MS = 500

/** A NIC whose channels were changed, and what it had before. */
export interface Watched {
  readonly ifindex: number
  /** When it was last seen; a rename does not matter. */
  readonly name: string
  readonly connectivity: Connectivity
}

/**
 * Watches one NIC after its channels were changed, for the whole time unless `untilVerified` is set.
 * @param seconds 0..; a dead gateway is noticed after about 4
 * @param untilVerified end as soon as the gateway has answered through every transmit queue; without a gateway, check the
 *   carrier once
 */
export async function watchChange(
  system: System,
  watched: Watched,
  seconds: number,
  signal: AbortSignal | undefined,
  untilVerified: boolean,
): Promise<WatchEnd> {
  const { connectivity } = watched
  const end = performance.now() + seconds * 1000
  const pollMs = Math.max(MIN_POLL_MS, (seconds * 1000) / MAX_POLLS)
  const stopped = (): boolean => signal?.aborted === true
  // What cannot be read now, for example without free descriptors, is neither lost nor verified.
  const look = () => readNow(system, watched).catch(() => undefined)
  if (untilVerified && !hasGateway(connectivity)) {
    if (stopped()) return 'stopped'
    const now = await look()
    if (now === undefined) return 'over'
    const lost = lostConnectivity(connectivity, now)
    return lost === undefined ? 'verified' : { lost }
  }
  for (;;) {
    if (stopped()) return 'stopped'
    if (untilVerified && (await probeQueues(system, watched, connectivity))) return 'verified'
    await probeGateway(system, nowNamed(system, watched), connectivity)
    await pause(Math.min(pollMs, end - performance.now()), signal)
    // An administrator who presses Ctrl-C is still connected, and a daemon that stops leaves the NICs as they are.
    if (stopped()) return 'stopped'
    const now = await look()
    const lost = now && (await verifiedLoss(system, nowNamed(system, watched), connectivity, now))
    if (lost !== undefined) return { lost }
    if (performance.now() >= end) return 'over'
  }
}

/** Of a NIC without a gateway to lose only the carrier matters, which takes no program. */
async function readNow(system: System, watched: Watched): Promise<Connectivity> {
  const name = nowNamed(system, watched)
  if (hasGateway(watched.connectivity)) return readConnectivity(system, name)
  return { ...watched.connectivity, carrier: readCarrier(system, name) }
}

/** The old name if it is not to be seen: nothing is read from it then. */
function nowNamed(system: System, watched: Watched): string {
  try {
    return nameByIndex(system, watched) ?? watched.name
  } catch {
    return watched.name
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(Math.max(0, ms), undefined, signal === undefined ? {} : { signal }).catch(() => {})
}
