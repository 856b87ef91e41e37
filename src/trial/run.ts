/**
 * The trial itself. Invariants: the lock is held throughout, so that apply and the daemon wait; the originals, and that
 * it is a trial, are in the ledger before the first write, so that a killed one can be rolled back and is not taken for
 * a rival; whatever else happens, the NIC is put back before the lock goes.
 */
import { randomInt } from 'node:crypto'
import type { Settings } from '../config/settings'
import {
  type Connectivity,
  probeConnectivity,
  probeGateway,
  readConnectivity,
  verifiedLoss,
} from '../confirm/connectivity'
import { VqtuneError } from '../errors'
import { ownProcess } from '../kernel/process-identity'
import type { ObservedGuest, ObservedNic, RecordedValues } from '../model'
import { nicByIndex } from '../planner/find-nic'
import { entryOf, readLedger, withTrial, writeLedger } from '../planner/ledger'
import { restoreOperation } from '../planner/operations'
import { converge } from '../planner/reconcile'
import { takeLock } from '../system/lock'
import { openSystem, type System } from '../system/system'
import { operand } from '../text/escape'
import { changedValues, recordValues } from '../tunables/engine'
import { type Arm, describeArm } from './arm'
import { isVaried } from './factors'
import type { InterimAnalysis } from './interim-analysis'
import { type Measured, measureCommand, measureTraffic } from './measure'
import type { Run } from './samples'
import { makeSchedule } from './schedule'
import { setArm } from './set-arm'

export interface TrialProgress {
  /** Completed measurements. */
  readonly done: number
  /** Measurements, if the trial does not end earlier. */
  readonly most: number
  /** Measured next. */
  readonly arm: Arm
  /** What the rest takes at most, at the pace so far; undefined before the first measurement. */
  readonly secondsLeft: number | undefined
}

export interface TrialOptions {
  readonly arms: readonly Arm[]
  /** Not empty. */
  readonly analyses: readonly InterimAnalysis[]
  /** Asked at each look whether what there is will do. */
  readonly isConclusive: (runs: readonly Run[], analysis: InterimAnalysis) => boolean
  readonly windowMs: number
  /** Whom small requests are sent to meanwhile; undefined: latency is not measured. */
  readonly probe: string | undefined
  /** Empty: the traffic there is. */
  readonly command: readonly string[]
  readonly signal: AbortSignal
  /** Called before each measurement. */
  readonly onProgress: (progress: TrialProgress) => void
}

/** @throws VqtuneError; the NIC is as before then, unless the message says otherwise */
export async function runTrial(
  system: System,
  settings: Settings,
  guest: ObservedGuest,
  nic: ObservedNic,
  options: TrialOptions,
): Promise<readonly Run[]> {
  const lock = await takeLock(system, 'trial')
  try {
    const ledger = readLedger(system, guest.bootId)
    const unconfirmed = entryOf(ledger, nic)?.unconfirmed
    if (unconfirmed !== undefined) {
      const why = `its channels are unconfirmed until ${unconfirmed.until}`
      throw new VqtuneError('busy', `${nic.name}: ${why}; vqtune apply ${operand(nic.name)} verifies them`)
    }
    const before = { values: variedValues(nic, options.arms), by: ownProcess(openSystem()) }
    writeLedger(system, withTrial(ledger, guest, nic, new Date().toISOString(), before))
    try {
      return await measureAll(system, settings, nic, options)
    } finally {
      await restore(system, nic)
      // Nothing of ours is left on the NIC: what the ledger said before is true again.
      writeLedger(system, ledger)
    }
  } finally {
    lock.release()
  }
}

/** Channels and layout follow from the configuration anyway. */
function variedValues(nic: ObservedNic, arms: readonly Arm[]): RecordedValues {
  const all = Object.entries(recordValues(nic))
  return Object.fromEntries(all.filter(([tunable]) => arms.some((arm) => isVaried(tunable, arm))))
}

/** @throws VqtuneError when not everything could be restored */
async function restore(system: System, nic: ObservedNic): Promise<void> {
  const operation = restoreOperation(system, {
    purpose: 'trial',
    ifindex: nic.ifindex,
    values: recordValues(nic),
    reason: 'as it was before the trial',
  })
  const { guest, failure } = await converge(system, operation, { lockWaitMs: 'held' })
  const now = nicByIndex(guest, nic.ifindex)
  if (now === undefined) throw new VqtuneError('vanished', `${nic.name}: the NIC went away`)
  if (failure === undefined) return
  const left = changedValues(recordValues(nic), recordValues(now)).map(({ tunable }) => tunable)
  const what = `${nic.name}: not restored (${left.join(', ')})`
  const way = `vqtune rollback ${operand(nic.name)} restores it`
  throw new VqtuneError(failure.kind, `${what}: ${failure.message}; ${way}`, { cause: failure })
}

async function measureAll(
  system: System,
  settings: Settings,
  nic: ObservedNic,
  options: TrialOptions,
): Promise<readonly Run[]> {
  const { arms, analyses, signal } = options
  const rounds = analyses.at(-1)?.rounds ?? 0
  const before = (await probeConnectivity(system, [nic.name])).get(nic.name) as Connectivity
  const runs: Run[] = []
  const startedMs = performance.now()
  const schedule = makeSchedule(arms, rounds, (limit) => randomInt(limit))
  for (const [round, order] of schedule.entries()) {
    for (const arm of order) {
      const done = runs.length
      const most = arms.length * rounds
      const perRun = (performance.now() - startedMs) / 1000 / done
      options.onProgress({ done, most, arm, secondsLeft: done === 0 ? undefined : perRun * (most - done) })
      await setArm(system, settings, nic, arm)
      await probeGateway(system, nic.name, before)
      const measured = await measure(system, nic.name, options)
      const lost = await verifiedLoss(system, nic.name, before, await readConnectivity(system, nic.name))
      if (lost !== undefined) {
        throw new VqtuneError('not-converged', `${nic.name}: stopped at ${describeArm(arm)}: ${lost}`)
      }
      runs.push({ round, arm, measured })
    }
    const analysis = analyses.find((candidate) => candidate.rounds === round + 1)
    if (analysis !== undefined && options.isConclusive(runs, analysis)) break
  }
  signal.throwIfAborted()
  return runs
}

async function measure(
  system: System,
  nic: string,
  { command, windowMs, probe, signal }: TrialOptions,
): Promise<Measured> {
  signal.throwIfAborted()
  return command.length === 0
    ? measureTraffic(system, nic, windowMs, signal, probe)
    : measureCommand(system, nic, command, signal, probe)
}
