/** systemd .link files: udev applies only the first one that matches a NIC; see systemd.link(5). */
import type { System } from '../system/system'
import { type IniSections, parseIni } from './ini'
import {
  allOf,
  globMatches,
  listAllowed,
  type Match,
  negated,
  readableFiles,
  readableText,
  type Writer,
  type WriterTarget,
} from './writer'

const CHANNEL_KEYS = ['RxChannels', 'TxChannels', 'OtherChannels', 'CombinedChannels']

export function findLinkFiles(system: System, nic: WriterTarget): readonly Writer[] {
  const found: Writer[] = []
  let isFirst = true
  for (const path of readableFiles(system, system.paths.writers.linkDirs, '.link')) {
    const sections = readLinkFile(system, path)
    if (sections === undefined) continue
    const verdict = linkMatches(sections, nic)
    if (verdict === 'no') continue
    const settings = (sections.get('Link') ?? []).filter(
      ([key, value]) => CHANNEL_KEYS.includes(key) && value !== '',
    )
    if (settings.length > 0) {
      found.push({
        writer: 'systemd-link',
        where: path,
        what: `sets ${settings.map(([key, value]) => `${key}=${value}`).join(', ')} when the device appears`,
        tunable: 'channels',
        // An earlier file that may match would hide this one.
        matches: verdict === 'yes' && isFirst ? 'yes' : 'maybe',
        remedy: `remove ${settings.map(([key]) => `${key}=`).join(', ')} from ${path}`,
      })
    }
    if (verdict === 'yes') break
    isFirst = false
  }
  return found
}

/** The file and its drop-ins (NAME.link.d/*.conf) as one text. */
function readLinkFile(system: System, path: string): IniSections | undefined {
  const main = readableText(system, path)
  if (main === undefined) return undefined
  const name = path.slice(path.lastIndexOf('/') + 1)
  const directories = system.paths.writers.linkDirs.map((directory) => `${directory}/${name}.d`)
  const hasDropIns = directories.some((directory) => listAllowed(system, directory).length > 0)
  const dropIns = hasDropIns ? readableFiles(system, directories, '.conf') : []
  const texts = dropIns.map((dropIn) => readableText(system, dropIn) ?? '')
  return parseIni([main, ...texts].join('\n'))
}

/** Whether the [Match] section matches, as far as files show. */
export function linkMatches(sections: IniSections, nic: WriterTarget): Match {
  const pairs = (sections.get('Match') ?? []).filter(([, value]) => value !== '')
  // systemd ignores a file without conditions, with a warning.
  if (pairs.length === 0) return 'no'
  return allOf(pairs.map(([key, value]) => conditionHolds(key, value.split(/\s+/), nic)))
}

function conditionHolds(key: string, values: readonly string[], nic: WriterTarget): Match {
  const [first = '', ...others] = values
  if (!first.startsWith('!')) return plainCondition(key, values, nic)
  return negated(plainCondition(key, [first.slice(1), ...others], nic))
}

function plainCondition(key: string, globs: readonly string[], nic: WriterTarget): Match {
  const fits = (texts: readonly string[]): boolean =>
    globs.some((glob) => texts.some((text) => globMatches(glob, text)))
  switch (key) {
    case 'OriginalName':
      if (fits([nic.name, ...nic.altnames])) return 'yes'
      // The name that the kernel gave is not kept anywhere once udev has renamed the NIC; for virtio-net it is ethN.
      return fits(Array.from({ length: 10 }, (_, index) => `eth${index}`)) ? 'maybe' : 'no'
    case 'MACAddress':
    case 'PermanentMACAddress':
      return globs.some((mac) => mac.replaceAll('-', ':').toLowerCase() === nic.mac.toLowerCase())
        ? 'yes'
        : 'no'
    case 'Driver':
      return fits(['virtio_net']) ? 'yes' : 'no'
    case 'Type':
      return fits(['ether']) ? 'yes' : 'no'
    case 'Path':
      if (nic.bus !== 'pci') return 'maybe'
      return fits([`pci-${nic.busAddress}`, `virtio-pci-${nic.busAddress}`]) ? 'yes' : 'no'
    default:
      return 'maybe'
  }
}
