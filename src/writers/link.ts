/** systemd .link files: udev applies only the first one that matches a NIC; see systemd.link(5). */
import type { TunableName } from '../model'
import type { System } from '../system/system'
import { type IniLine, type IniSections, iniLines, parseIni } from './ini'
import {
  allOf,
  globMatches,
  type KnownWriter,
  listAllowed,
  type Match,
  negated,
  readableFiles,
  readableText,
  type Writer,
  type WriterTarget,
} from './writer'

/** Keys of [Link] by what they set. IRQAffinity* and ReceivePacketSteeringCPUMask are of systemd 256 and newer. */
const KEYS: readonly (readonly [RegExp, TunableName])[] = [
  [/^(?:Rx|Tx|Other|Combined)Channels$/, 'channels'],
  [/^(?:Rx|RxMini|RxJumbo|Tx)BufferSize$/, 'rings'],
  [/^IRQAffinity\w*$/, 'irq-affinity'],
  [/^ReceivePacketSteeringCPUMask$/, 'rps'],
]

interface LinkFile {
  readonly sections: IniSections
  readonly lines: readonly (IniLine & { readonly path: string })[]
}

function find(system: System, nic: WriterTarget): readonly Writer[] {
  const found: Writer[] = []
  let isFirst = true
  for (const path of readableFiles(system, system.paths.writers.linkDirs, '.link')) {
    const file = readLinkFile(system, path)
    if (file === undefined) continue
    const verdict = linkMatches(file.sections, nic)
    if (verdict === 'no') continue
    for (const [pattern, tunable] of KEYS) {
      const settings = inEffect(file, pattern)
      const [first] = settings
      if (first === undefined) continue
      const combined = settings.find(({ key }) => key === 'CombinedChannels')?.value
      found.push({
        writer: link.name,
        where: `${first.path.slice(system.paths.root.length)}:${first.line}`,
        what: `sets ${settings.map(({ key, value }) => `${key}=${value}`).join(', ')} when the device appears`,
        tunable,
        // An earlier file that may match would hide this one.
        matches: verdict === 'yes' && isFirst ? 'yes' : 'maybe',
        remedy: `set ${settings.map(({ key }) => `${key}=`).join(', ')} to nothing in a drop-in: ${dropInOf(system, path)}`,
        ...(combined !== undefined && /^(?:\d+|max)$/.test(combined) ? { value: combined } : {}),
      })
    }
    if (verdict === 'yes') break
    isFirst = false
  }
  return found
}

/** Never the vendor's file, which an update replaces. */
function dropInOf(system: System, path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return `${(system.paths.writers.linkDirs[0] as string).slice(system.paths.root.length)}/${name}.d/50-vqtune.conf`
}

/** The last value of each key; an empty one takes it back. */
function inEffect({ lines }: LinkFile, pattern: RegExp): LinkFile['lines'] {
  const last = new Map(
    lines
      .filter(({ section, key }) => section === 'Link' && pattern.test(key))
      .map((one) => [one.key, one] as const),
  )
  return [...last.values()].filter(({ value }) => value !== '')
}

/** The file and its drop-ins (NAME.link.d/*.conf). */
function readLinkFile(system: System, path: string): LinkFile | undefined {
  const main = readableText(system, path)
  if (main === undefined) return undefined
  const name = path.slice(path.lastIndexOf('/') + 1)
  const directories = system.paths.writers.linkDirs.map((directory) => `${directory}/${name}.d`)
  const hasDropIns = directories.some((directory) => listAllowed(system, directory).length > 0)
  const dropIns = hasDropIns ? readableFiles(system, directories, '.conf') : []
  const texts = [path, ...dropIns].map((file) => ({ path: file, text: readableText(system, file) ?? '' }))
  return {
    sections: parseIni(texts.map(({ text }) => text).join('\n')),
    lines: texts.flatMap((file) => iniLines(file.text).map((line) => ({ ...line, path: file.path }))),
  }
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

export const link: KnownWriter = {
  name: 'systemd-link',
  title:
    'systemd .link files (`CombinedChannels=`, `RxBufferSize=`, `IRQAffinityPolicy=`, `ReceivePacketSteeringCPUMask=`)',
  actsByItself: true,
  find,
}
