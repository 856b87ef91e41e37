import type { PassResult } from '../../src/daemon/reconcile-loop'
import { NOT_ASKED } from '../../src/irqbalance/ask'
import type { ObservedGuest } from '../../src/model'

/** A pass of the daemon that found nothing to do, but for what is told otherwise. */
export function quietPass(guest: ObservedGuest, other: Partial<PassResult> = {}): PassResult {
  return {
    guest,
    skips: [],
    missing: [],
    suspended: [],
    changes: [],
    settingChanges: [],
    regressionHolds: new Map(),
    irqbalance: NOT_ASKED,
    deadQueues: new Map(),
    againMs: undefined,
    ...other,
  }
}
