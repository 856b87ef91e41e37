/** Where configuration lies, for the tests of this directory. */
import type { Host } from '../../../src/system/host'

/** The same host, believing that it is the running guest: ownership is judged then. */
export function asRunningGuest(host: Host, changes: Partial<Host> = {}): Host {
  return Object.assign(Object.create(host) as Host, { paths: { ...host.paths, root: '' }, ...changes })
}

export const ETC = '/etc/vqtune/vqtune.toml'
export const VENDOR = '/usr/lib/vqtune/vqtune.toml'
