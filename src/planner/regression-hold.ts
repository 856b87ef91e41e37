/**
 * How long the guard's reduction of channels, or its return to earlier values of another tunable, holds: until one of the
 * conditions of its comparison changes (the NIC instance, the vCPUs, the host's maximum, the configuration), or until an
 * administrator's apply. It is kept in the ledger, so every vqtune process sees it, and ends at reboot. Pure.
 */
import { nicSettings, type Settings } from '../config/settings'
import type { ObservedGuest, ObservedNic, RegressionHold, SettingHolds, TunableName } from '../model'
import { switchKeysOf } from '../tunables/engine'
import { type Ledger, type LedgerEntry, withRegressionHold, withSettingHold } from './ledger'
import type { NicHolds, RegressionHolds } from './plan'

type Conditions = Pick<RegressionHold, 'vcpus' | 'maximum' | 'policy'>

/** The conditions of a comparison of channel counts, or of the values of these tunables. */
export function conditionsOf(
  { cpus }: Pick<ObservedGuest, 'cpus'>,
  nic: ObservedNic,
  settings: Settings,
  tunables: readonly TunableName[] = [],
): Conditions {
  const { maximum } = nic.channels
  return {
    vcpus: cpus.online.length,
    ...(maximum === undefined ? {} : { maximum }),
    policy: policyOf(settings, nic, tunables),
  }
}

function policyOf(settings: Settings, nic: ObservedNic, tunables: readonly TunableName[]): string {
  const { cap, channels, switches } = nicSettings(settings, nic)
  const { windowSeconds, regressionPercent } = settings.guard
  return [
    ...[settings.isolated, cap ?? 'none', channels ?? 'auto', windowSeconds, regressionPercent],
    ...tunables.flatMap(switchKeysOf).map((key) => switches[key]),
  ].join(' ')
}

/** A maximum that was not queried says nothing. */
export function sameConditions(a: Conditions, b: Conditions): boolean {
  const sameMaximum = a.maximum === undefined || b.maximum === undefined || a.maximum === b.maximum
  return a.vcpus === b.vcpus && a.policy === b.policy && sameMaximum
}

/** Those that hold now; none if the guard is off, or does not watch that tunable. */
export function regressionHoldsOf(guest: ObservedGuest, ledger: Ledger, settings: Settings): RegressionHolds {
  const { enabled, watch } = settings.guard
  const result = new Map<number, NicHolds>()
  if (!enabled) return result
  for (const { nic, entry } of known(guest, ledger)) {
    const { regressionHold, settingHolds = {} } = entry
    const isHeld =
      regressionHold !== undefined && sameConditions(regressionHold, conditionsOf(guest, nic, settings))
    const channels = isHeld && watch.includes('channels') ? regressionHold : undefined
    const others = Object.entries(settingHolds).filter(
      ([name, hold]) =>
        watch.includes(name) && sameConditions(hold, conditionsOf(guest, nic, settings, [name])),
    )
    if (channels === undefined && others.length === 0) continue
    result.set(nic.ifindex, { channels, settings: Object.fromEntries(others) })
  }
  return result
}

/** The ledger with the holds that are among the given ones; the same one if no other has to be removed. */
export function withoutExpiredHolds(ledger: Ledger, guest: ObservedGuest, holding: RegressionHolds): Ledger {
  return known(guest, ledger).reduce((result, { nic, entry }) => {
    const holds = holding.get(nic.ifindex)
    const kept: SettingHolds = holds?.settings ?? {}
    const expired = Object.keys(entry.settingHolds ?? {}).filter((name) => kept[name] === undefined)
    const channels =
      entry.regressionHold !== undefined && holds?.channels === undefined
        ? withRegressionHold(result, nic, undefined)
        : result
    return expired.reduce((rest, name) => withSettingHold(rest, nic, name, undefined), channels)
  }, ledger)
}

function known(
  guest: ObservedGuest,
  { entries }: Ledger,
): readonly { readonly nic: ObservedNic; readonly entry: LedgerEntry }[] {
  return entries.flatMap((entry) => {
    const nic = guest.nics.find(({ virtio, ifindex }) => virtio === entry.virtio && ifindex === entry.ifindex)
    return nic === undefined ? [] : [{ nic, entry }]
  })
}
