/** NetworkManager keyfiles with [ethtool] channels-* or ring-*. */

import { findPrograms } from '../kernel/processes'
import type { System } from '../system/system'
import { escapeToOneLine, shellQuote } from '../text/escape'
import { iniLines, iniValue, parseIni } from './ini'
import {
  allOf,
  certainIf,
  type KnownWriter,
  listAllowed,
  type Match,
  readAllowed,
  type Writer,
  type WriterTarget,
} from './writer'

/** Names of files that NetworkManager does not take for profiles: hidden ones, backups and certificates. */
const IGNORED = /^\.|(?:~|\.(?:swpx?|pem|der|nmmeta))$/

/** Connection profiles that set channels or rings of this NIC; a single entry if they cannot be read. */
function find(system: System, nic: WriterTarget): readonly Writer[] {
  const isRunning = findPrograms(system, [{ name: 'NetworkManager' }]).length > 0
  const found: Writer[] = []
  for (const directory of system.paths.writers.networkManagerDirs) {
    const names = listAllowed(system, directory)
    const files =
      names === 'unreadable'
        ? []
        : names.filter((name) => !IGNORED.test(name)).map((name) => `${directory}/${name}`)
    const texts = files.map((path) => ({ path, read: readAllowed(system, path) }))
    const hidden = names === 'unreadable' || texts.some(({ read }) => read === 'unreadable')
    for (const { path, read } of texts) {
      if (typeof read !== 'object') continue
      for (const keys of KEYS) {
        const writer = keyfileWriter(path.slice(system.paths.root.length), read.text, nic, keys)
        if (writer !== undefined) found.push(certainIf(isRunning, writer))
      }
    }
    if (hidden) {
      found.push({
        writer: 'NetworkManager',
        where: directory.slice(system.paths.root.length),
        what: 'connection profiles readable only by root may set ethtool.channels-*',
        tunable: 'channels',
        matches: 'unreadable',
        remedy: 'run vqtune explain as root',
      })
    }
  }
  return found
}

/** The keys that NetworkManager knows; it ignores others, and they end up in a command line to copy. */
const CHANNELS = { pattern: /^channels-(?:rx|tx|other|combined)$/, tunable: 'channels' } as const
const KEYS = [CHANNELS, { pattern: /^ring-(?:rx|rx-mini|rx-jumbo|tx)$/, tunable: 'rings' }] as const

/** Checks one keyfile, by its path in the guest; undefined if it sets nothing of this kind or is for another NIC. */
export function keyfileWriter(
  path: string,
  text: string,
  nic: WriterTarget,
  { pattern, tunable }: (typeof KEYS)[number] = CHANNELS,
): Writer | undefined {
  const sections = parseIni(text)
  const settings = iniLines(text).filter(({ section, key }) => section === 'ethtool' && pattern.test(key))
  const [first] = settings
  if (first === undefined) return undefined
  const verdict = allOf([byName(sections, nic), byMac(sections, nic), byMatch(sections)])
  if (verdict === 'no') return undefined
  const combined = settings.find(({ key }) => key === 'channels-combined')?.value
  const id = iniValue(sections, 'connection', 'id') ?? path
  const name = iniValue(sections, 'connection', 'interface-name')
  const isNamed = name !== undefined || macOf(sections) !== undefined
  return {
    writer: 'NetworkManager',
    where: `${path}:${first.line}`,
    what: escapeToOneLine(
      `connection "${id}" sets ${settings.map(({ key, value }) => `ethtool.${key} = ${value}`).join(', ')}`,
    ),
    tunable,
    // A profile without a name or MAC is for any NIC, but only one of those is active.
    matches: isNamed ? verdict : 'maybe',
    remedy: `nmcli connection modify ${shellQuote(id)} ${settings.map(({ key }) => `ethtool.${key} ""`).join(' ')}`,
    ...(combined === undefined || !/^\d+$/.test(combined) ? {} : { value: combined }),
  }
}

function byName(sections: ReturnType<typeof parseIni>, nic: WriterTarget): Match {
  const name = iniValue(sections, 'connection', 'interface-name')
  return name === undefined || name === nic.name || nic.altnames.includes(name) ? 'yes' : 'no'
}

function macOf(sections: ReturnType<typeof parseIni>): string | undefined {
  return iniValue(sections, 'ethernet', 'mac-address') ?? iniValue(sections, '802-3-ethernet', 'mac-address')
}

function byMac(sections: ReturnType<typeof parseIni>, nic: WriterTarget): Match {
  const mac = macOf(sections)
  return mac === undefined || mac.toLowerCase() === nic.mac.toLowerCase() ? 'yes' : 'no'
}

/** [match] has patterns with operators of their own, over more properties than we know. */
function byMatch(sections: ReturnType<typeof parseIni>): Match {
  return (sections.get('match')?.length ?? 0) > 0 ? 'maybe' : 'yes'
}

export const networkManager: KnownWriter = {
  name: 'NetworkManager',
  title: 'NetworkManager connections (`ethtool.channels-*`, `ethtool.ring-*`)',
  actsByItself: true,
  find,
}
