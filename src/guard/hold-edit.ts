/** What the guard writes to the ledger: a hold of the channels or of other settings, or that there is none. Pure. */
import type { Settings } from '../config/settings'
import type { ObservedGuest, ObservedNic, RegressionHold, SettingHold, TunableName } from '../model'
import { type Ledger, type LedgerEntry, withRegressionHold, withSettingHold } from '../planner/ledger'
import { conditionsOf } from '../planner/regression-hold'
import type { ChangedSettings } from './settings'

/** Channels that the daemon changed in a pass. */
export interface ChannelChange {
  readonly ifindex: number
  readonly from: number
  readonly to: number
}

/** undefined: the hold is removed. */
export type HoldEdit =
  | { readonly channels: Pick<RegressionHold, 'from' | 'to' | 'confirmed' | 'why'> | undefined }
  | {
      readonly tunables: readonly TunableName[]
      readonly hold:
        | (Pick<SettingHold, 'confirmed' | 'why'> & { readonly values: ChangedSettings['earlier'] })
        | undefined
    }

export function tunablesOf(of: ChannelChange | ChangedSettings): readonly TunableName[] {
  return 'to' in of ? [] : of.changed.map(({ tunable }) => tunable)
}

export function stepBack(of: ChannelChange | ChangedSettings, why: string, confirmed: boolean): HoldEdit {
  return 'to' in of
    ? { channels: { from: of.to, to: of.from, confirmed, why } }
    : { tunables: tunablesOf(of), hold: { values: of.earlier, confirmed, why } }
}

export function removal(of: ChannelChange | ChangedSettings): HoldEdit {
  return 'to' in of ? { channels: undefined } : { tunables: tunablesOf(of), hold: undefined }
}

/** Whether the entry has what is to be removed; a hold is always recorded. */
export function isMissing(edit: HoldEdit, { regressionHold, settingHolds = {} }: LedgerEntry): boolean {
  if ('channels' in edit) return edit.channels !== undefined || regressionHold !== undefined
  return edit.hold !== undefined || edit.tunables.some((name) => settingHolds[name] !== undefined)
}

export function withEdit(
  ledger: Ledger,
  guest: ObservedGuest,
  nic: ObservedNic,
  settings: Settings,
  edit: HoldEdit,
): Ledger {
  const at = new Date().toISOString()
  if ('channels' in edit) {
    const hold = edit.channels && { ...edit.channels, at, ...conditionsOf(guest, nic, settings) }
    return withRegressionHold(ledger, nic, hold)
  }
  return edit.tunables.reduce((result, name) => {
    const { hold } = edit
    const held = hold && {
      ...{ confirmed: hold.confirmed, why: hold.why, values: hold.values[name] ?? {}, at },
      ...conditionsOf(guest, nic, settings, [name]),
    }
    return withSettingHold(result, nic, name, held)
  }, ledger)
}
