/** Brings one NIC to a number of channels the way apply would, and back to what it showed before. */
import type { Settings } from '../config/settings'
import { VqtuneError } from '../errors'
import { LOOK_AT_ALL, restoreSteps } from '../goals'
import { valuesOf } from '../ledger'
import type { ObservedGuest, ObservedNic, Step } from '../model'
import { observeGuest } from '../observe'
import { planGuest } from '../plan'
import type { Host } from '../system/host'
import { execute } from '../tunables/index'

/** Channels, then affinity and XPS, then one for events that come in between. */
const ROUNDS = 4

/** The settings with a rule on top that fixes the channels of one NIC. */
export function withFixedChannels(settings: Settings, mac: string, channels: number): Settings {
  const rule = {
    match: { mac },
    settings: { enabled: true, cap: undefined, channels },
    source: 'trial',
  }
  return { ...settings, rules: [...settings.rules, rule] }
}

/** @throws VqtuneError when the NIC does not take the count; StepRefused, vanished and the like from the writes */
export async function setCount(
  host: Host,
  settings: Settings,
  nic: ObservedNic,
  channels: number,
): Promise<void> {
  const fixed = withFixedChannels(settings, nic.mac, channels)
  const left = await writeUntilNone(host, nic, (guest) =>
    planGuest(guest, fixed)
      .filter((candidate) => candidate.nic.ifindex === nic.ifindex)
      .flatMap(({ plan }) => plan.steps),
  )
  const now = left.channels.current
  if (now !== channels) {
    const why = left.obstacle?.why ?? 'something else sets them'
    throw new VqtuneError('not-converged', `${nic.name}: has ${now} channels instead of ${channels}: ${why}`)
  }
}

/** Back to the recorded look of the NIC: channels, interrupts, XPS. @throws as setCount */
export async function restoreNic(host: Host, before: ObservedNic): Promise<void> {
  const entry = { ...before, original: valuesOf(before), at: '' }
  const left = await writeUntilNone(host, before, (_, now) => restoreSteps(now, entry))
  if (restoreSteps(left, entry).length > 0) {
    throw new VqtuneError('not-converged', `${before.name}: not all is as before: run vqtune apply`)
  }
}

async function writeUntilNone(
  host: Host,
  nic: ObservedNic,
  plan: (guest: ObservedGuest, now: ObservedNic) => readonly Step[],
): Promise<ObservedNic> {
  for (let round = 0; ; round++) {
    const guest = await observeGuest(host, LOOK_AT_ALL)
    const now = guest.nics.find((candidate) => candidate.ifindex === nic.ifindex)
    if (now === undefined) throw new VqtuneError('vanished', `${nic.name}: the NIC went away`)
    const steps = plan(guest, now)
    if (steps.length === 0 || round === ROUNDS) return now
    for (const step of steps) await execute(host, step)
  }
}
