/** What vqtune needs of a libvirt domain XML. Reading only; driver-edit.ts changes. */
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { messageOf, VqtuneError } from '../../errors'
import { escapeToOneLine } from '../../text/escape'

export interface Domain {
  readonly name: string
  readonly uuid: string
  /** 'kvm', 'qemu' (emulated), 'test' ... libvirt uses vhost only for kvm. */
  readonly type: string
  readonly arch: string
  /** Present only in the XML of a running guest. */
  readonly id: number | undefined
  readonly vcpus: { readonly current: number; readonly maximum: number }
  /** Disks, for the estimate of file descriptors. */
  readonly disks: number
  readonly interfaces: readonly DomainInterface[]
}

export interface DomainInterface {
  /** Lower case. */
  readonly mac: string
  /** 'network', 'bridge', 'direct', 'user' ... */
  readonly type: string
  /** 'virtio', 'e1000e' ...; undefined: libvirt's default, never virtio. */
  readonly model: string | undefined
  /** <driver name=>: 'vhost', 'qemu', or undefined for libvirt's choice. */
  readonly driver: string | undefined
  /** As written; undefined when absent. */
  readonly queues: number | undefined
  /** tap or macvtap of the running guest. */
  readonly target: string | undefined
  /** Bridge, network or lower device, for people. */
  readonly source: string | undefined
}

/** Interface types for which libvirt accepts queues=. */
const MULTIQUEUE_TYPES: ReadonlySet<string> = new Set([
  'network',
  'bridge',
  'direct',
  'ethernet',
  'vhostuser',
  'vdpa',
])

export function isVirtio(nic: DomainInterface): boolean {
  return nic.model?.startsWith('virtio') === true
}

export function supportsMultiqueue(nic: DomainInterface): boolean {
  return isVirtio(nic) && MULTIQUEUE_TYPES.has(nic.type)
}

/** Queue pairs that the guest is offered. */
export function offeredQueues(nic: DomainInterface): number {
  return supportsMultiqueue(nic) ? Math.max(1, nic.queues ?? 1) : 1
}

/** Queue pairs over all virtio interfaces that have queues of their own on the host. */
export function totalQueues(domain: Domain): number {
  return domain.interfaces.filter(supportsMultiqueue).reduce((sum, nic) => sum + offeredQueues(nic), 0)
}

type Node = Readonly<Record<string, unknown>>

const PARSER = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: true,
  isArray: (name) => name === 'interface' || name === 'disk',
})

/**
 * Elements as objects, attributes with `@` before their name. The validator is asked first, because it names the line; what it
 * lets through, such as a closing tag without its end, the parser may still refuse.
 * @param origin named in the error, such as `web01: virsh dumpxml`. @throws VqtuneError for anything but XML.
 */
export function parseXml(xml: string, origin: string): Node {
  const result = XMLValidator.validate(xml)
  if (result !== true) {
    throw new VqtuneError(
      'tool-failed',
      `${origin}: malformed XML at line ${result.err.line}: ${result.err.msg}`,
    )
  }
  try {
    return PARSER.parse(xml)
  } catch (error) {
    throw new VqtuneError('tool-failed', `${origin}: malformed XML: ${escapeToOneLine(messageOf(error))}`)
  }
}

/** @throws VqtuneError for malformed XML and for XML that is not a domain. */
export function parseDomain(xml: string, origin: string): Domain {
  const domain = child(parseXml(xml, origin), 'domain')
  const name = text(domain.name)
  const uuid = text(domain.uuid)
  const maximum = positive(text(domain.vcpu) ?? '1')
  if (name === undefined || uuid === undefined || maximum === undefined) {
    throw new VqtuneError(
      'tool-failed',
      `${origin}: not a domain: <name>, <uuid> or <vcpu> is missing or wrong`,
    )
  }
  const devices = child(domain, 'devices')
  const id = attribute(domain, 'id')
  return {
    name,
    uuid,
    type: attribute(domain, 'type') ?? '',
    arch: attribute(child(child(domain, 'os'), 'type'), 'arch') ?? '',
    id: id === undefined ? undefined : positive(id),
    vcpus: { maximum, current: positive(attribute(child(domain, 'vcpu'), 'current') ?? '') ?? maximum },
    disks: list(devices.disk).length,
    interfaces: list(devices.interface).map((node, index) =>
      parseInterface(node, `${origin}: interface ${index + 1}`),
    ),
  }
}

function parseInterface(node: Node, origin: string): DomainInterface {
  const mac = attribute(child(node, 'mac'), 'address')?.toLowerCase()
  if (mac === undefined) throw new VqtuneError('tool-failed', `${origin}: no <mac address>`)
  const driver = child(node, 'driver')
  const source = child(node, 'source')
  const queues = attribute(driver, 'queues')
  return {
    mac,
    type: attribute(node, 'type') ?? '',
    model: attribute(child(node, 'model'), 'type'),
    driver: attribute(driver, 'name'),
    queues: queues === undefined ? undefined : queueCount(queues, origin),
    target: attribute(child(node, 'target'), 'dev'),
    source: ['bridge', 'network', 'dev']
      .map((key) => attribute(source, key))
      .find((value) => value !== undefined),
  }
}

function queueCount(value: string, origin: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value)
  throw new VqtuneError('tool-failed', `${origin}: queues='${value}' is not a number`)
}

function positive(value: string): number | undefined {
  return /^\d{1,9}$/.test(value) && Number(value) > 0 ? Number(value) : undefined
}

function child(node: Node, name: string): Node {
  const value = node[name]
  const first: unknown = Array.isArray(value) ? value[0] : value
  return typeof first === 'object' && first !== null ? (first as Node) : {}
}

function list(value: unknown): readonly Node[] {
  if (!Array.isArray(value)) return []
  return value.map((item: unknown) => (typeof item === 'object' && item !== null ? (item as Node) : {}))
}

function attribute(node: Node, name: string): string | undefined {
  const value = node[`@${name}`]
  return typeof value === 'string' ? value : undefined
}

/** The text of an element with or without attributes. */
function text(value: unknown): string | undefined {
  const first: unknown = Array.isArray(value) ? value[0] : value
  if (typeof first === 'string') return first === '' ? undefined : first
  if (typeof first !== 'object' || first === null) return undefined
  const inner = (first as Node)['#text']
  return typeof inner === 'string' && inner !== '' ? inner : undefined
}
