/** What the daemon remembers across a restart within one boot: the last look, and its conflicts. */
import type { ConflictState } from '../drift/conflict'
import type { GuestSnapshot } from '../drift/snapshot'
import type { Host } from '../system/host'

export interface DaemonState {
  readonly version: 1
  /** ISO 8601 time of the look. */
  readonly at: string
  readonly last: GuestSnapshot
  readonly conflicts: readonly ConflictState[]
}

export function statePath(host: Host): string {
  return `${host.paths.runDir}/daemon.json`
}

/** The state of this boot; undefined when there is none. Damaged is none: it only serves to tell what changed. */
export function readState(host: Host, bootId: string): DaemonState | undefined {
  try {
    const value: unknown = JSON.parse(host.readText(statePath(host)) ?? '')
    return isState(value) && value.last.bootId === bootId ? value : undefined
  } catch {
    return undefined
  }
}

/** Written by us with one rename, so whole or absent; what is checked is that it is of this version. */
function isState(value: unknown): value is DaemonState {
  if (typeof value !== 'object' || value === null) return false
  const { version, at, last, conflicts } = value as Partial<DaemonState>
  return version === 1 && typeof at === 'string' && Array.isArray(last?.nics) && Array.isArray(conflicts)
}

/** @throws the system error */
export function writeState(host: Host, state: DaemonState): void {
  host.replaceFile(statePath(host), `${JSON.stringify(state)}\n`)
}
