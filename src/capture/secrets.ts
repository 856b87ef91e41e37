/** What no capture holds, whatever was asked for: passwords and keys, and what vqtune has no use for. Pure. */
import { parseIni } from '../writers/ini'
import type { CapturedNodes } from './recording'

const REMOVED = 'removed'

/** Kernel parameters whose values matter for queues and vCPUs. Of others the name is kept: some carry passwords. */
const KEPT_PARAMETERS = new Set([
  ...['isolcpus', 'nohz_full', 'irqaffinity', 'rcu_nocbs', 'nosmt', 'maxcpus', 'nr_cpus', 'possible_cpus'],
  ...[
    'mitigations',
    'net.ifnames',
    'biosdevname',
    'pci',
    'iommu',
    'intel_iommu',
    'console',
    'fips',
    'selinux',
  ],
  ...[
    'systemd.unified_cgroup_hierarchy',
    'cgroup_no_v1',
    'cgroup_disable',
    'hugepages',
    'clocksource',
    'tsc',
  ],
  ...['transparent_hugepage', 'default_hugepagesz', 'hugepagesz', 'BOOT_IMAGE', 'lockdown', 'audit', 'psi'],
])

/** Sections of a NetworkManager keyfile that say for which NIC it is and what it sets there; no other is kept. */
const KEPT_SECTIONS = new Set(['connection', 'ethernet', '802-3-ethernet', 'match', 'ethtool', 'link'])

const SECRET = '[\\w.-]*(?:psk|passw(?:or)?d|passphrase|secret|private[-_]?key|wep[-_]?key|mka-ca?k)[\\w.-]*'
/** `key = value` to the end of the line. */
const ASSIGNED = new RegExp(`^([ \\t]*${SECRET}[ \\t]*=[ \\t]*)\\S.*$`, 'gim')
/** `"key": "value"`, `--key=value`, `key=value` anywhere in a line. */
const WITHIN = new RegExp(
  `((?<![\\w.-])"?${SECRET}"?(?:[ \\t]*[=:][ \\t]*|[ \\0]))("[^"\\n]*"|[^\\s\\0"',;}]+)`,
  'gi',
)

/** The nodes without secrets. A keyfile that sets nothing of a NIC's queues is left out. */
export function withoutSecrets(nodes: CapturedNodes): CapturedNodes {
  const kept: CapturedNodes = new Map()
  for (const [at, node] of nodes) {
    const text = node.kind === 'file' ? textWithoutSecrets(at, node.text) : ''
    if (text === undefined) continue
    kept.set(at, node.kind === 'file' ? { kind: 'file', text } : node)
  }
  return kept
}

/** @returns undefined if nothing of the file is to be kept */
function textWithoutSecrets(at: string, text: string): string | undefined {
  if (at === 'proc/cmdline') return keptParameters(text)
  if (/^(?:sys|ethtool|later)\//.test(at) || (at.startsWith('proc/') && !at.endsWith('/cmdline'))) return text
  const own = at.includes('/NetworkManager/system-connections/') ? keptSections(text) : text
  return own?.replace(ASSIGNED, `$1${REMOVED}`).replace(WITHIN, (whole, key: string, value: string) => {
    if (value === REMOVED) return whole
    return `${key}${value.startsWith('"') ? `"${REMOVED}"` : REMOVED}`
  })
}

function keptParameters(commandLine: string): string {
  // What follows `--` is for the first program, not for the kernel.
  return commandLine
    .replace(/ -- .*/, ` -- ${REMOVED}`)
    .replace(/([^\s=]+)=("[^"]*"|\S*)/g, (whole, name: string) =>
      KEPT_PARAMETERS.has(name) || name.startsWith('vqtune') ? whole : `${name}=${REMOVED}`,
    )
}

function keptSections(text: string): string | undefined {
  // Its name is known, and that it cannot be read: that is an answer, too.
  if (text === '') return text
  const sections = parseIni(text)
  if (!sections.has('ethtool')) return undefined
  return [...sections]
    .filter(([name]) => KEPT_SECTIONS.has(name))
    .map(([name, pairs]) => [`[${name}]\n`, ...pairs.map(([key, value]) => `${key}=${value}\n`)].join(''))
    .join('\n')
}
