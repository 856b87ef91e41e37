/**
 * What a trial that was killed has left on its NIC. Channels and layout follow from the configuration; settings that it leaves
 * alone, as rings and RPS by default, can only be put back from what the ledger says of the time before the trial.
 */
import type { Settings } from '../config/settings'
import { readBootId } from '../kernel/boot-id'
import { isRunning } from '../kernel/process-identity'
import { openSystem, type System } from '../system/system'
import { concernsRings, hasRings } from '../tunables/rings'
import { type Ledger, readLedger } from './ledger'
import type { LeftByTrials } from './plan'

/** Of trials that still run there is nothing: they put back themselves. A process of the running system tries a captured tree, too. */
export function leftByTrials({ entries }: Pick<Ledger, 'entries'>): LeftByTrials {
  const left = entries.flatMap(({ ifindex, beforeTrial }) =>
    beforeTrial === undefined ? [] : [{ ifindex, beforeTrial }],
  )
  if (left.length === 0) return new Map()
  const running = openSystem()
  return new Map(
    left
      .filter(({ beforeTrial }) => !isRunning(running, beforeTrial.by))
      .map(({ ifindex, beforeTrial }) => [ifindex, beforeTrial.values]),
  )
}

/** Whether ring sizes must be read: one child process for each NIC. @throws VqtuneError as readLedger */
export function needsRings(system: System, rules: Settings['rules']): boolean {
  if (concernsRings(rules)) return true
  const left = leftByTrials(readLedger(system, readBootId(system)))
  return [...left.values()].some(hasRings)
}
