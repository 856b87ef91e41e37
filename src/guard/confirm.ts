/** Commit-confirm: channels that cut the NIC off go back by themselves, as nobody can log in to do it. */

import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../errors'
import { readLedger, withHeld, writeLedger } from '../ledger'
import type { ObservedNic } from '../model'
import type { Goal } from '../reconcile'
import type { Host } from '../system/host'
import { isChannelStep } from '../tunables/index'
import { operand } from '../untrusted'
import { type Connectivity, lostConnectivity, probeGateway, readConnectivity } from './connectivity'

/** A NIC just before its channels were changed. */
export interface BeforeChange {
  readonly nic: ObservedNic
  readonly connectivity: Connectivity
}

export interface WatchedGoal {
  readonly goal: Goal
  /** Filled while the loop runs: NICs whose channels were to be changed, by name. */
  readonly before: ReadonlyMap<string, BeforeChange>
}

/** The same goal, which looks at a NIC's connectivity when its channels are about to change; costs nothing otherwise. */
export function watchConnectivity(host: Host, goal: Goal): WatchedGoal {
  const before = new Map<string, BeforeChange>()
  const observe: Goal['observe'] = async (knownMaxima) => {
    const guest = await goal.observe(knownMaxima)
    const { steps } = goal.plan(guest, readLedger(host, guest.bootId))
    for (const step of steps.filter(isChannelStep)) {
      const nic = guest.nics.find((candidate) => candidate.name === step.nic)
      if (nic === undefined || before.has(nic.name)) continue
      before.set(nic.name, { nic, connectivity: await readConnectivity(host, nic.name) })
    }
    return guest
  }
  return { goal: { ...goal, observe }, before }
}

/** A NIC that was cut off by its new channels. */
export interface LostNic {
  readonly nic: string
  /** Its channels from before, to which it went back. */
  readonly channels: number
  readonly why: string
  /** Why it could not be put back; undefined: it was. */
  readonly failure: string | undefined
}

const POLL_MS = 500
/** A gateway that answered this often after the change, and a carrier that was seen this often, are enough. */
const CONFIRMATIONS = 2
const LOCK_WAIT_MS = 10_000

/**
 * Watches NICs after their channels changed. Those that lost the carrier or the default gateway's answer within the time
 * get back what they had, and are held as after a rollback: only an administrator's apply tunes them again. Ends early
 * when all have proved that they live.
 * @param seconds 0: does nothing
 */
export async function confirmApply(
  host: Host,
  before: Iterable<BeforeChange>,
  seconds: number,
  signal?: AbortSignal,
): Promise<readonly LostNic[]> {
  if (seconds <= 0) return []
  const results = await Promise.all([...before].map((one) => watch(host, one, seconds * 1000, signal)))
  const lost: LostNic[] = []
  for (const [one, why] of results) {
    if (why !== undefined) lost.push(await putBack(host, one.nic, why))
  }
  return lost
}

async function watch(
  host: Host,
  one: BeforeChange,
  limitMs: number,
  signal: AbortSignal | undefined,
): Promise<[BeforeChange, string | undefined]> {
  const { name } = one.nic
  const end = performance.now() + limitMs
  let confirmed = 0
  // An administrator who interrupts has a connection: nothing to put back.
  while (performance.now() < end && confirmed < CONFIRMATIONS && signal?.aborted !== true) {
    if (confirmed === 0 || hasGateway(one.connectivity)) await probeGateway(host, name, one.connectivity)
    await sleep(POLL_MS)
    const now = await readConnectivity(host, name)
    const why = lostConnectivity(one.connectivity, now)
    if (why !== undefined) return [one, why]
    const answers = !hasGateway(one.connectivity) || now.neighbour === 'REACHABLE'
    confirmed = answers ? confirmed + 1 : confirmed
  }
  return [one, undefined]
}

/** Whether the gateway was known to answer before, and so can be lost. */
function hasGateway({ neighbour }: Connectivity): boolean {
  return neighbour !== undefined && !['FAILED', 'INCOMPLETE', 'PERMANENT', 'NOARP'].includes(neighbour)
}

async function putBack(host: Host, nic: ObservedNic, why: string): Promise<LostNic> {
  const told = { nic: nic.name, channels: nic.channels.current, why }
  try {
    // Loaded late: an apply on the boot path gets here only when the network broke.
    const [{ takeLock }, { restoreNic }] = await Promise.all([import('../system/lock'), import('./restore')])
    const lock = await takeLock(host, 'confirm', LOCK_WAIT_MS)
    try {
      await restoreNic(host, nic)
      const bootId = (host.readText(host.paths.procBootId) ?? '').trim()
      const at = new Date().toISOString()
      writeLedger(host, withHeld(readLedger(host, bootId), [nic], at))
    } finally {
      lock.release()
    }
    return { ...told, failure: undefined }
  } catch (error) {
    return { ...told, failure: messageOf(error) }
  }
}

/** One line for people and the journal. */
export function describeLost({ nic, channels, why, failure }: LostNic): string {
  return failure === undefined
    ? `${nic}: ${why} after the change: back to ${channels} channels, left alone until the next boot or vqtune apply ${operand(nic)}`
    : `${nic}: ${why} after the change, and going back to ${channels} channels failed: ${failure}`
}
