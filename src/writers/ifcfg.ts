/** ifcfg files of RHEL 7 and 8: ETHTOOL_OPTS with -L. */
import type { System } from '../system/system'
import { listAllowed, readableText, type Writer, type WriterTarget } from './writer'

export function findIfcfg(system: System, nic: WriterTarget): readonly Writer[] {
  const directory = system.paths.writers.ifcfgDir
  const names = listAllowed(system, directory)
  if (names === 'unreadable') return []
  return names
    .filter((name) => name.startsWith('ifcfg-') && !/(~|\.(bak|orig|rpmnew|rpmsave))$/.test(name))
    .flatMap((name) => {
      const path = `${directory}/${name}`
      const text = readableText(system, path)
      const writer = text === undefined ? undefined : ifcfgWriter(path, text, nic)
      return writer === undefined ? [] : [writer]
    })
}

/** Checks one ifcfg file; undefined if it sets no channels or is for another NIC. */
export function ifcfgWriter(path: string, text: string, nic: WriterTarget): Writer | undefined {
  const values = parseShellValues(text)
  const options = values.get('ETHTOOL_OPTS')
  const call = options?.split(';').find((part) => /(^|\s)(-L|--set-channels)(\s|$)/.test(part))
  if (call === undefined) return undefined
  const device = values.get('DEVICE')
  const mac = values.get('HWADDR')
  if (device !== undefined && device !== nic.name) return undefined
  if (mac !== undefined && mac.toLowerCase() !== nic.mac.toLowerCase()) return undefined
  return {
    writer: 'ifcfg',
    where: path,
    what: `ETHTOOL_OPTS runs ethtool ${call.trim().replace(/\s+/g, ' ')} when the interface comes up`,
    tunable: 'channels',
    matches: device === undefined && mac === undefined ? 'maybe' : 'yes',
    remedy: `remove -L from ETHTOOL_OPTS in ${path}`,
  }
}

/** KEY=value, KEY="value", KEY='value'; expansions are kept as written. */
function parseShellValues(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const match of text.matchAll(/^[ \t]*(?:export[ \t]+)?(\w+)=(?:"([^"]*)"|'([^']*)'|(\S*))/gm)) {
    values.set(match[1] as string, (match[2] ?? match[3] ?? match[4]) as string)
  }
  return values
}
