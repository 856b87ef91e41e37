/** ifcfg files: ETHTOOL_OPTS of RHEL 7 and 8, and ETHTOOL_OPTIONS of wicked, with -L. */
import type { System } from '../system/system'
import { scriptFindings } from './script-findings'
import { type KnownWriter, listAllowed, readableText, type Writer, type WriterTarget } from './writer'

/** wicked has any number of them, with a suffix. */
const OPTIONS = /^(ETHTOOL_OPTS|ETHTOOL_OPTIONS(?:_?\w+)?)$/

function find(system: System, nic: WriterTarget): readonly Writer[] {
  return system.paths.writers.ifcfgDirs.flatMap((directory) => {
    const names = listAllowed(system, directory)
    if (names === 'unreadable') return []
    return names
      .filter(
        (name) => name.startsWith('ifcfg-') && !/(~|\.(bak|orig|old|rpmnew|rpmsave|scpmbackup))$/.test(name),
      )
      .flatMap((name) => {
        const path = `${directory}/${name}`
        const text = readableText(system, path)
        return text === undefined ? [] : ifcfgWriters(system, path, text, nic)
      })
  })
}

/** Checks one ifcfg file; none if it sets no channels or is for another NIC. */
export function ifcfgWriters(
  system: System,
  path: string,
  text: string,
  nic: WriterTarget,
): readonly Writer[] {
  const lines = parseShellValues(text)
  // The file is sourced: of lines with one key the last counts.
  const lastOf = new Map(lines.map((one) => [one.key, one]))
  const device = lastOf.get('DEVICE')?.value
  const mac = (lastOf.get('HWADDR') ?? lastOf.get('LLADDR'))?.value
  // wicked has no DEVICE: the file has the name.
  const suffix = /\/ifcfg-([^/]+)$/.exec(path)?.[1]
  const isWicked = !path.includes('network-scripts')
  const name = device ?? (isWicked ? suffix : undefined)
  const own = [nic.name, ...nic.altnames]
  if (name !== undefined && !own.includes(name) && !(isWicked && mac !== undefined)) return []
  if (mac !== undefined && mac.toLowerCase() !== nic.mac.toLowerCase()) return []
  const isNamed = name !== undefined || mac !== undefined
  return lines
    .filter((one) => OPTIONS.test(one.key) && lastOf.get(one.key) === one)
    .flatMap(({ key, value, line }) =>
      value
        .split(';')
        .filter((part) => /(^|\s)(-L|--set-channels)(\s|$)/.test(part))
        .flatMap((part) => {
          const bindings = new Map([
            ...lines.map((one) => [one.key, [one.value]] as const),
            ['DEVICE', [nic.name]] as const,
          ])
          const command = `ethtool ${part.trim().replace(/^(?:\S*\/)?ethtool\s+/, '')}`
          const where = path.slice(system.paths.root.length)
          return scriptFindings(
            system,
            nic,
            { path, line, text: command, bindings },
            {
              writer: ifcfg.name,
              when: `when the interface comes up (${key})`,
              remedy: `remove -L from ${key} in ${where}`,
            },
          )
        })
        .map((writer): Writer => (isNamed ? writer : { ...writer, matches: 'maybe' })),
    )
}

/** KEY=value, KEY="value", KEY='value'; expansions are kept as written. A backslash at the end joins lines. */
function parseShellValues(text: string): readonly { key: string; value: string; line: number }[] {
  const found: { key: string; value: string; line: number }[] = []
  let line = 1
  let counted = 0
  for (const match of text.matchAll(/^[ \t]*(?:export[ \t]+)?(\w+)=(?:"([^"]*)"|'([^']*)'|(\S*))/gm)) {
    const value = (match[2] ?? match[3] ?? match[4]) as string
    for (; counted < match.index; counted++) if (text[counted] === '\n') line++
    found.push({
      key: match[1] as string,
      value: value.replace(/\\\r?\n/g, ' '),
      line,
    })
  }
  return found
}

export const ifcfg: KnownWriter = {
  name: 'ifcfg',
  title: "ifcfg files (`ETHTOOL_OPTS`, wicked's `ETHTOOL_OPTIONS`)",
  actsByItself: true,
  find,
}
