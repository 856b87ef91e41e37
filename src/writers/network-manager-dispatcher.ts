/** NetworkManager's dispatcher scripts: run with the interface as the first argument. See NetworkManager-dispatcher(8). */
import type { System } from '../system/system'
import { ANY_NIC, executableFindings, scriptsIn } from './script-findings'
import { findUnits, isMasked } from './units'
import { type KnownWriter, readableText, type Writer, type WriterTarget } from './writer'

const SERVICE = 'NetworkManager-dispatcher.service'

function find(system: System, nic: WriterTarget): readonly Writer[] {
  const seen = new Set<string>()
  const isOff = isMasked(findUnits(system), SERVICE)
  return system.paths.writers.dispatcherDirs.flatMap((directory) =>
    scriptsIn(system, directory).flatMap((path) => {
      const name = path.slice(path.lastIndexOf('/') + 1)
      const kind = /dispatcher\.d(\/[\w-]+\.d)?\//.exec(path)?.[1] ?? ''
      // /etc hides a script of the same name in /usr/lib.
      if (seen.has(`${kind}/${name}`)) return []
      seen.add(`${kind}/${name}`)
      const text = readableText(system, path)
      if (text === undefined || text.trim() === '') return []
      const bindings = new Map(['1', 'DEVICE_IFACE', 'DEVICE_IP_IFACE', 'IFACE'].map((key) => [key, ANY_NIC]))
      return executableFindings(
        system,
        nic,
        { path, text, bindings },
        {
          writer: dispatcher.name,
          when: 'when a connection changes',
          off: isOff ? `${SERVICE} is masked` : undefined,
          notRun: 'so NetworkManager does not run it',
        },
      )
    }),
  )
}

export const dispatcher: KnownWriter = {
  name: 'NetworkManager-dispatcher',
  title: 'NetworkManager dispatcher scripts',
  find,
}
