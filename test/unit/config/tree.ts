/** Where configuration lies, for the tests of this directory. */
import type { System } from '../../../src/system/system'

/** The same host, believing that it is the running guest: ownership is judged then. */
export function asRunningGuest(system: System, changes: Partial<System> = {}): System {
  return Object.assign(Object.create(system) as System, { paths: { ...system.paths, root: '' }, ...changes })
}

export const ETC = '/etc/vqtune/vqtune.toml'
export const VENDOR = '/usr/lib/vqtune/vqtune.toml'
