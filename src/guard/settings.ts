/** The settings of a NIC that the guard compares besides channels: those of tunables that are off until somebody asks for them. Pure. */
import type { ObservedNic, SettingHolds, TunableName } from '../model'
import { type ChangedTunable, recordValues } from '../tunables/engine'
import { OPTIONAL_TUNABLES } from '../tunables/index'

/** A setting other than channels that the daemon changed in a pass. */
export interface SettingChange {
  readonly ifindex: number
  readonly tunable: TunableName
  readonly key: string
  readonly old: string
  readonly new: string
}

/** What a pass left: channels, and the values of every tunable that can be compared. */
export function settingsText(nic: ObservedNic, values = recordValues(nic)): string {
  const parts = OPTIONAL_TUNABLES.flatMap(({ name }) =>
    Object.entries(values[name] ?? {}).map(([key, value]) => `${name} ${key} ${value}`),
  )
  return [String(nic.channels.current), ...parts].join('; ')
}

/** One change of one NIC, of the values of one tunable or several. */
export interface ChangedSettings {
  readonly changed: readonly ChangedTunable[]
  /** As settingsText of the NIC with the earlier values, and as it is. */
  readonly before: string
  readonly after: string
  /** All earlier values of the tunables that changed. */
  readonly earlier: Readonly<Record<TunableName, SettingHolds[string]['values']>>
}

/** @param changes of this NIC, of tunables that are watched; not empty */
export function changedSettings(nic: ObservedNic, changes: readonly SettingChange[]): ChangedSettings {
  const now = recordValues(nic)
  const names = [...new Set(changes.map(({ tunable }) => tunable))]
  const changed = names.map((tunable) => ({
    tunable,
    values: changes.filter((one) => one.tunable === tunable),
  }))
  const earlier = Object.fromEntries(
    changed.map(({ tunable, values }) => [
      tunable,
      { ...now[tunable], ...Object.fromEntries(values.map(({ key, old }) => [key, old])) },
    ]),
  )
  return {
    changed,
    before: settingsText(nic, { ...now, ...earlier }),
    after: settingsText(nic, now),
    earlier,
  }
}
