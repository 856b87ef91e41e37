/** Who wrote a guest's XML, and which operating system is in it: what managers and installers leave in the XML. Pure. */
import type { GuestOs } from '../guest/guest-os'
import type { ManagerId } from '../guest/managers'
import { attribute, child, type Node, textOf } from './xml'

/** XML namespaces that managers declare, on <domain>, on <metadata> or on their own element. */
const NAMESPACES: readonly (readonly [prefix: string, manager: ManagerId])[] = [
  ['http://openstack.org/xmlns/libvirt/nova/', 'openstack'],
  ['http://ovirt.org/vm/', 'ovirt'],
  ['http://kubevirt.io', 'kubevirt'],
  ['http://opennebula.org/xmlns/libvirt/', 'opennebula'],
]

/** What managers write into the guest's SMBIOS; texts of both entries in one. */
const SMBIOS: readonly (readonly [pattern: RegExp, manager: ManagerId])[] = [
  [/\bharvester\b/i, 'harvester'],
  [/OpenStack/, 'openstack'],
  [/^oVirt|^Red Hat (?:RHEV|RHV|oVirt)/, 'ovirt'],
  [/^KubeVirt|OpenShift virtualization|Container-native virtualization/i, 'kubevirt'],
  [/^Apache Software Foundation|CloudStack/, 'cloudstack'],
]

/** Names that a manager makes, looked at only when nothing else tells. */
const NAMES: readonly (readonly [pattern: RegExp, manager: ManagerId])[] = [
  [/^one-\d+$/, 'opennebula'],
  [/^(?:i-\d+-\d+|[rsv]-\d+)-VM$/, 'cloudstack'],
  [/^instance-[0-9a-f]{8}$/, 'openstack'],
]

/** undefined: nothing says that anybody but an administrator writes it. */
export function managerOf(domain: Node, name: string): ManagerId | undefined {
  const smbios = smbiosOf(domain)
  const bySmbios = SMBIOS.find(([pattern]) => pattern.test(smbios))?.[1]
  // Harvester's guests are KubeVirt's as well: the narrower one has its own words.
  if (bySmbios === 'harvester') return bySmbios
  const declared = namespacesOf(domain)
  const byNamespace = NAMESPACES.find(([prefix]) => declared.some((uri) => uri.startsWith(prefix)))?.[1]
  return byNamespace ?? bySmbios ?? NAMES.find(([pattern]) => pattern.test(name))?.[1]
}

function smbiosOf(domain: Node): string {
  const system = child(child(domain, 'sysinfo'), 'system')
  const raw = system.entry
  const entries = (Array.isArray(raw) ? raw : [raw]).filter(
    (entry): entry is Node => typeof entry === 'object' && entry !== null,
  )
  const value = (name: string): string =>
    textOf(entries.find((entry) => attribute(entry, 'name') === name)) ?? ''
  return ['manufacturer', 'product', 'family'].map(value).join(' ').trim()
}

function namespacesOf(domain: Node): readonly string[] {
  const metadata = child(domain, 'metadata')
  const inner = Object.values(metadata).filter(
    (value): value is Node => typeof value === 'object' && value !== null,
  )
  return [domain, metadata, ...inner].flatMap((node) =>
    Object.entries(node).flatMap(([key, value]) =>
      /^@xmlns(?::|$)/.test(key) && typeof value === 'string' ? [value] : [],
    ),
  )
}

/** By libosinfo's id, else by what is set only for Windows. undefined: nothing tells. */
export function guestOsOf(domain: Node): GuestOs | undefined {
  const id = osinfoId(domain)
  if (id !== undefined) return fromOsinfo(id)
  // The Hyper-V enlightenments: managers set them for Windows, and hardly anybody for anything else.
  const relaxed = attribute(child(child(child(domain, 'features'), 'hyperv'), 'relaxed'), 'state')
  return relaxed === 'on' ? { family: 'windows', name: 'Windows', certain: false } : undefined
}

function osinfoId(domain: Node): string | undefined {
  // The prefix is the writer's choice; virt-install, Cockpit and virt-manager write `libosinfo`.
  for (const value of Object.values(child(domain, 'metadata'))) {
    if (typeof value !== 'object' || value === null) continue
    for (const [name, inner] of Object.entries(value as Node)) {
      if (!/(?:^|:)os$/.test(name) || typeof inner !== 'object' || inner === null) continue
      const id = attribute(inner as Node, 'id')
      if (id !== undefined && /^https?:\/\//.test(id)) return id
    }
  }
  return undefined
}

/** http://microsoft.com/win/11 -> Windows: the host names the maker, the rest the product. */
function fromOsinfo(id: string): GuestOs {
  const path = id.replace(/^https?:\/\/(?:www\.)?/, '')
  const name = path.split('/').slice(1).join(' ') || path
  if (path.startsWith('microsoft.com/')) return { family: 'windows', name, certain: true }
  if (/^(?:[\w.-]*freebsd|opnsense|pfsense|hardenedbsd|ghostbsd)\.org\//.test(path))
    return { family: 'freebsd', name, certain: true }
  if (
    /^(?:[\w.-]*bsd|oracle\.com\/solaris|openindiana|illumos|smartos|apple|netware|haiku|reactos|ibm)/.test(
      path,
    )
  )
    return { family: 'other', name, certain: true }
  return { family: 'linux', name, certain: true }
}
