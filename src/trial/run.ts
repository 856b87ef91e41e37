/**
 * The trial itself. Invariants: the lock is held throughout, so that apply and the daemon wait; the originals, and that
 * it is a trial, are in the ledger before the first write, so that a killed one can be rolled back and is not taken for
 * a rival; whatever else happens, the NIC is put back before the lock goes.
 */
import { randomInt } from 'node:crypto'
import type { Settings } from '../config/settings'
import { VqtuneError } from '../errors'
import { lostConnectivity, probeGateway, proveConnectivity, readConnectivity } from '../guard/connectivity'
import { restoreNic } from '../guard/restore'
import { readLedger, withTrial, writeLedger } from '../ledger'
import type { ObservedGuest, ObservedNic } from '../model'
import type { Host } from '../system/host'
import { takeLock } from '../system/lock'
import type { Look } from './looks'
import { type Measured, measureCommand, measureTraffic } from './measure'
import type { Run } from './samples'
import { makeSchedule } from './schedule'
import { setCount } from './set-count'

export interface TrialOptions {
  readonly counts: readonly number[]
  /** Not empty. */
  readonly looks: readonly Look[]
  /** Asked at each look whether what there is will do. */
  readonly isEnough: (runs: readonly Run[], look: Look) => boolean
  readonly windowMs: number
  /** Empty: the traffic there is. */
  readonly command: readonly string[]
  readonly signal: AbortSignal
  /** Called before each measurement, with how many are done and how many there will be at most. */
  readonly onProgress: (done: number, most: number, channels: number) => void
}

const LOCK_WAIT_MS = 10_000

/** @throws VqtuneError; the NIC is as before then, unless the message says otherwise */
export async function runTrial(
  host: Host,
  settings: Settings,
  guest: ObservedGuest,
  nic: ObservedNic,
  options: TrialOptions,
): Promise<readonly Run[]> {
  const lock = await takeLock(host, 'trial', LOCK_WAIT_MS)
  try {
    const ledger = readLedger(host, guest.bootId)
    writeLedger(host, withTrial(ledger, guest, nic, new Date().toISOString()))
    try {
      return await measureAll(host, settings, nic, options)
    } finally {
      await restoreNic(host, nic)
      // Nothing of ours is left on the NIC: what the ledger said before is true again.
      writeLedger(host, ledger)
    }
  } finally {
    lock.release()
  }
}

async function measureAll(
  host: Host,
  settings: Settings,
  nic: ObservedNic,
  options: TrialOptions,
): Promise<readonly Run[]> {
  const { counts, looks, signal } = options
  const rounds = looks.at(-1)?.rounds ?? 0
  const before = await proveConnectivity(host, nic.name)
  const runs: Run[] = []
  const schedule = makeSchedule(counts, rounds, (limit) => randomInt(limit))
  for (const [round, order] of schedule.entries()) {
    for (const channels of order) {
      options.onProgress(runs.length, counts.length * rounds, channels)
      await setCount(host, settings, nic, channels)
      await probeGateway(host, nic.name, before)
      const measured = await measure(host, nic.name, options)
      const lost = lostConnectivity(before, await readConnectivity(host, nic.name))
      if (lost !== undefined) {
        throw new VqtuneError('not-converged', `${nic.name}: stopped at ${channels} channels: ${lost}`)
      }
      runs.push({ round, channels, measured })
    }
    const look = looks.find((candidate) => candidate.rounds === round + 1)
    if (look !== undefined && options.isEnough(runs, look)) break
  }
  signal.throwIfAborted()
  return runs
}

async function measure(
  host: Host,
  nic: string,
  { command, windowMs, signal }: TrialOptions,
): Promise<Measured> {
  signal.throwIfAborted()
  return command.length === 0
    ? measureTraffic(host, nic, windowMs, signal)
    : measureCommand(host, nic, command, signal)
}
