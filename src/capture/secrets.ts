/** What no capture holds, whatever was asked for: passwords and keys, and what vqtune has no use for. Pure. */
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

/** Kept as a whole: vqtune's own, and configuration that says what a NIC is or has. */
const OURS =
  /^(?:[^/]+$|proc\/|programs\/|(?:etc|usr\/lib|run|var\/lib)\/vqtune\/|run\/(?:irqbalance|udev)\/|(?:etc|usr\/lib)\/(?:tuned|os-release)|(?:etc|run|lib|usr\/lib|usr\/local\/lib)\/(?:udev|modprobe\.d|sysctl\.d|systemd\/network)\/|etc\/(?:sysctl\.conf|default\/irqbalance|machine-id|resolv\.conf)|etc\/sysconfig\/)/
const SETS_QUEUES =
  /ethtool|smp_affinity|[rx]ps_cpus|rps_flow_cnt|irqbalance|perftune|multi[-_]?queue|set_irq_affinity|ecs_mq|isolated_cores|channels/i

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
  return keptText(at, text)
    ?.replace(ASSIGNED, `$1${REMOVED}`)
    .replace(WITHIN, (whole, key: string, value: string) => {
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

/** What is read of others to find out who sets queues: their scripts and tables are none of ours, unless they do. */
function keptText(at: string, text: string): string | undefined {
  if (at.includes('/NetworkManager/system-connections/')) return keptSections(text)
  if (OURS.test(at)) return text
  if (!SETS_QUEUES.test(text)) return ''
  return /^(?:etc|var\/lib)\/cloud\//.test(at) ? keptCommands(text) : text
}

/** Its name is known, and that it cannot be read: that is an answer, too. Lines keep their numbers. */
function keptSections(text: string): string | undefined {
  if (text !== '' && !/^\[ethtool\][ \t\r]*$/m.test(text)) return undefined
  let isKept = false
  return text
    .split('\n')
    .map((line) => {
      const name = /^\[([^\]]*)\]/.exec(line.trim())?.[1]
      if (name !== undefined) isKept = KEPT_SECTIONS.has(name)
      return isKept ? line : ''
    })
    .join('\n')
}

/** Of cloud-init's data: what is run, and no users, keys and files. Lines keep their numbers. */
function keptCommands(text: string): string {
  if (text.startsWith('#!')) return text
  let isKept = false
  return text
    .split('\n')
    .map((line, index) => {
      if (/^[^\s#-]/.test(line)) isKept = /^(?:boot|run)cmd:/.test(line)
      return isKept || (index === 0 && line.startsWith('#cloud-config')) ? line : ''
    })
    .join('\n')
}
