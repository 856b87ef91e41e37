/** Brings one NIC to a number of channels the way apply would. */
import type { Settings } from '../config/settings'
import { writeUntilNone } from '../confirm/restore'
import { VqtuneError } from '../errors'
import type { ObservedNic } from '../model'
import { planGuest } from '../planner/plan'
import type { System } from '../system/system'

/** The settings with a rule on top that fixes the channels of one NIC. */
function withFixedChannels(settings: Settings, mac: string, channels: number): Settings {
  const rule = {
    match: { mac },
    settings: { enabled: true, cap: undefined, channels },
    source: 'trial',
  }
  return { ...settings, rules: [...settings.rules, rule] }
}

/** @throws VqtuneError when the NIC does not take the count; StepRefused, vanished and the like from the writes */
export async function setCount(
  system: System,
  settings: Settings,
  nic: ObservedNic,
  channels: number,
): Promise<void> {
  const fixed = withFixedChannels(settings, nic.mac, channels)
  const { nic: left } = await writeUntilNone(system, nic, (guest) =>
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
