/** Puts one NIC back to what it showed before: channels, interrupts, XPS. */
import { VqtuneError } from '../errors'
import type { ObservedGuest, ObservedNic, Step } from '../model'
import { valuesOf } from '../planner/ledger'
import { observeGuest } from '../planner/observe'
import { OBSERVE_ALL, restoreSteps } from '../planner/operations'
import type { System } from '../system/system'
import { execute } from '../tunables/index'

/** Channels, then affinity and XPS, and more for events that come in between. */
const ROUNDS = 4

/** The caller holds the lock. @throws VqtuneError, StepRefused when it does not take the old values */
export async function restoreNic(system: System, before: ObservedNic): Promise<void> {
  const entry = { ...before, original: valuesOf(before), at: '' }
  const left = await writeUntilNone(system, before, ({ cpus }, now) => restoreSteps(now, entry, cpus.online))
  if (restoreSteps(left.nic, entry, left.guest.cpus.online).length > 0) {
    throw new VqtuneError('not-converged', `${before.name}: not all is as before: run vqtune apply`)
  }
}

/** Plans and writes until nothing is missing, bounded. @returns the last look */
export async function writeUntilNone(
  system: System,
  nic: ObservedNic,
  plan: (guest: ObservedGuest, now: ObservedNic) => readonly Step[],
): Promise<{ readonly guest: ObservedGuest; readonly nic: ObservedNic }> {
  for (let round = 0; ; round++) {
    const guest = await observeGuest(system, OBSERVE_ALL)
    const now = guest.nics.find((candidate) => candidate.ifindex === nic.ifindex)
    if (now === undefined) throw new VqtuneError('vanished', `${nic.name}: the NIC went away`)
    const steps = plan(guest, now)
    if (steps.length === 0 || round === ROUNDS) return { guest, nic: now }
    for (const step of steps) await execute(system, step)
  }
}
