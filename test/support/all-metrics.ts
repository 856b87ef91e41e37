import { DEFAULT_SETTINGS } from '../../src/config/settings'
import { DaemonCounters, guestFamilies, lastCheck } from '../../src/daemon/metrics'
import type { Family } from '../../src/daemon/prometheus'
import { quietPass } from './quiet-pass'
import { guestOf, nicOf } from './simulated-kernel'

/** Everything that a daemon can show, of a guest with a NIC eth2 that has half of its channels. */
export function allFamilies(): readonly Family[] {
  const cpus = [0, 1]
  const guest = guestOf(cpus, [nicOf({ ifindex: 2, maximum: 2, current: 1 }, cpus)])
  const skips = [{ nic: 'eth2', code: 'held', why: '', tunable: undefined } as const]
  const health = { sources: new Map([['udev', true]]), configValid: true, startedAt: 1_800_000_000_000 }
  const counters = new DaemonCounters()
  counters.countDrift({ nic: 'eth2', kind: 'channels', writer: 'tuned', action: 'repaired' })
  counters.countConflictBackoff('eth2')
  return [
    ...guestFamilies(quietPass(guest, { skips }), DEFAULT_SETTINGS, health),
    ...counters.families(['eth2']),
    lastCheck(1_800_000_000_000),
  ]
}
