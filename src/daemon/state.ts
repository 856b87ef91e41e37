/** What the daemon remembers across a restart within one boot: the last look, and its conflicts. */
import type { ConflictState } from '../drift/conflict'
import type { GuestSnapshot } from '../drift/snapshot'
import { isObject, isRecordedValues } from '../planner/ledger-format'
import type { System } from '../system/system'

export interface DaemonState {
  readonly version: 3
  /** ISO 8601 time of the look, for people. */
  readonly at: string
  readonly last: GuestSnapshot
  readonly conflicts: readonly ConflictState[]
}

export function statePath(system: System): string {
  return `${system.paths.runDir}/daemon.json`
}

/**
 * The state of this boot; undefined when there is none, 'unusable' when what is there is of another version or damaged: it
 * only serves to tell what changed, so the daemon starts without it.
 */
export function readState(system: System, bootId: string): DaemonState | 'unusable' | undefined {
  const text = system.readText(statePath(system))
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (!isState(value)) return 'unusable'
    return value.last.bootId === bootId ? value : undefined
  } catch {
    return 'unusable'
  }
}

/** Written by us with one rename, so whole or absent; but by what version of us, and whether by us, nobody knows. */
function isState(value: unknown): value is DaemonState {
  if (!isObject(value) || !isObject(value.last)) return false
  const { version, at, last, conflicts } = value
  return (
    version === 3 &&
    typeof at === 'string' &&
    typeof last.online === 'string' &&
    Array.isArray(last.nics) &&
    last.nics.every(isNicSnapshot) &&
    Array.isArray(conflicts) &&
    conflicts.every(isConflict)
  )
}

function isNicSnapshot(nic: unknown): boolean {
  return (
    isObject(nic) &&
    Number.isInteger(nic.ifindex) &&
    [nic.name, nic.mac, nic.virtio].every((text) => typeof text === 'string') &&
    (nic.maximum === undefined || Number.isInteger(nic.maximum)) &&
    (nic.recordedAt === undefined || typeof nic.recordedAt === 'string') &&
    typeof nic.xdp === 'boolean' &&
    Number.isInteger(nic.channels) &&
    isRecordedValues(nic.values)
  )
}

function isConflict(conflict: unknown): boolean {
  return (
    isObject(conflict) &&
    Number.isInteger(conflict.ifindex) &&
    Array.isArray(conflict.reversals) &&
    conflict.reversals.every(Number.isFinite) &&
    Number.isInteger(conflict.backoffs) &&
    (conflict.backoffs as number) >= 0 &&
    (conflict.backoffUntil === undefined || Number.isFinite(conflict.backoffUntil)) &&
    [undefined, 'yielded', 'reported'].includes(conflict.suspended as undefined) &&
    (conflict.sinceMs === undefined || Number.isFinite(conflict.sinceMs)) &&
    (conflict.policy === undefined || typeof conflict.policy === 'string') &&
    (conflict.otherWriter === undefined || typeof conflict.otherWriter === 'string')
  )
}

/** @throws the system error */
export function writeState(system: System, state: DaemonState): void {
  system.replaceFile(statePath(system), `${JSON.stringify(state)}\n`)
}
