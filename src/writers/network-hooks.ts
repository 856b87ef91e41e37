/** Scripts that network services run for an interface: ifup-local, networkd-dispatcher, dhclient, wicked. */
import type { System } from '../system/system'
import { ANY_NIC, executableFindings, scriptsIn } from './script-findings'
import { type KnownWriter, readableText, type Writer, type WriterTarget } from './writer'

function find(system: System, nic: WriterTarget): readonly Writer[] {
  const { networkHooks, networkHookDirs } = system.paths.writers
  // /sbin is /usr/sbin on most systems.
  const seen = new Set<string>()
  const bindings = new Map(['1', 'IFACE', 'interface', 'INTERFACE', 'DEVICE'].map((name) => [name, ANY_NIC]))
  return [...networkHooks, ...networkHookDirs.flatMap((directory) => scriptsIn(system, directory))].flatMap(
    (path) => {
      const text = readableText(system, path)
      const name = path.slice(path.lastIndexOf('/') + 1)
      if (text === undefined || (networkHooks.includes(path) && seen.has(name))) return []
      seen.add(name)
      return executableFindings(
        system,
        nic,
        { path, text, bindings },
        { writer: networkHook.name, when: 'when an interface changes', notRun: 'so it may not be run' },
      )
    },
  )
}

export const networkHook: KnownWriter = {
  name: 'network-hook',
  title: 'hooks of initscripts, networkd-dispatcher, dhclient and wicked',
  find,
}
