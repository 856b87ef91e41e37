/**
 * How long the guard's reduction of channels holds: until one of the conditions of its comparison changes (the NIC
 * instance, the vCPUs, the host's maximum, the configuration), or until an administrator's apply. It is kept in the
 * ledger, so every vqtune process sees it, and ends at reboot. Pure.
 */
import { nicSettings, type Settings } from '../config/settings'
import type { ObservedGuest, ObservedNic, RegressionHold } from '../model'
import { type Ledger, type LedgerEntry, withRegressionHold } from './ledger'
import type { RegressionHolds } from './plan'

type Conditions = Pick<RegressionHold, 'vcpus' | 'maximum' | 'policy'>

/** The conditions of a comparison of channel counts. */
export function conditionsOf(
  { cpus }: Pick<ObservedGuest, 'cpus'>,
  nic: ObservedNic,
  settings: Settings,
): Conditions {
  const { maximum } = nic.channels
  return {
    vcpus: cpus.online.length,
    ...(maximum === undefined ? {} : { maximum }),
    policy: policyOf(settings, nic),
  }
}

function policyOf(settings: Settings, nic: ObservedNic): string {
  const { cap, channels } = nicSettings(settings, nic)
  const { windowSeconds, regressionPercent } = settings.guard
  return [settings.isolated, cap ?? 'none', channels ?? 'auto', windowSeconds, regressionPercent].join(' ')
}

/** A maximum that was not queried says nothing. */
export function sameConditions(a: Conditions, b: Conditions): boolean {
  const sameMaximum = a.maximum === undefined || b.maximum === undefined || a.maximum === b.maximum
  return a.vcpus === b.vcpus && a.policy === b.policy && sameMaximum
}

/** Those that hold now; none if the guard is off. */
export function regressionHoldsOf(guest: ObservedGuest, ledger: Ledger, settings: Settings): RegressionHolds {
  const result = new Map<number, RegressionHold>()
  if (!settings.guard.enabled) return result
  for (const { nic, regressionHold } of known(guest, ledger)) {
    if (sameConditions(regressionHold, conditionsOf(guest, nic, settings)))
      result.set(nic.ifindex, regressionHold)
  }
  return result
}

/** NICs with a hold that is not among the given ones: it has ended and is to be removed. */
export function expiredRegressionHolds(
  guest: ObservedGuest,
  ledger: Ledger,
  holding: RegressionHolds,
): readonly ObservedNic[] {
  return known(guest, ledger)
    .map(({ nic }) => nic)
    .filter(({ ifindex }) => !holding.has(ifindex))
}

export function withoutRegressionHolds(ledger: Ledger, nics: readonly ObservedNic[]): Ledger {
  return nics.reduce((result, nic) => withRegressionHold(result, nic, undefined), ledger)
}

function known(
  guest: ObservedGuest,
  { entries }: Ledger,
): readonly { readonly nic: ObservedNic; readonly regressionHold: RegressionHold }[] {
  return entries.flatMap(({ virtio, ifindex, regressionHold }: LedgerEntry) => {
    const nic = guest.nics.find((candidate) => candidate.virtio === virtio && candidate.ifindex === ifindex)
    return nic === undefined || regressionHold === undefined ? [] : [{ nic, regressionHold }]
  })
}
