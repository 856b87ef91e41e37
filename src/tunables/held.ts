/** A tunable whose earlier values the guard has put back: they are what is desired, whatever the configuration says. Pure. */
import type { Plan, SettingHold, Skip } from '../model'
import { operand } from '../text/escape'
import type { AnyTunable } from './erased'
import type { NicContext } from './tunable'

export function planHeld(
  { name, restore }: AnyTunable,
  { nic, online }: Pick<NicContext, 'nic' | 'online'>,
  hold: SettingHold,
): Plan {
  const reason = hold.confirmed
    ? `taken back by the guard: ${hold.why}`
    : `the guard is comparing: ${hold.why}`
  const steps = nic.settings.flatMap((setting) => {
    const value = setting.tunable === name ? hold.values[setting.key] : undefined
    return value === undefined ? [] : (restore(nic, setting, value, online, reason) ?? [])
  })
  const way = hold.confirmed ? `; vqtune apply ${operand(nic.name)} tries it again` : ''
  const skip: Skip = { nic: nic.name, tunable: name, code: 'guard', why: `${reason}${way}` }
  return { steps, skips: steps.length > 0 ? [] : [skip], notes: [] }
}
