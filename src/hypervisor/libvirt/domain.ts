/** What vqtune needs of a libvirt domain XML. Reading only; driver-edit.ts changes. */
import { VqtuneError } from '../../errors'
import type { GuestOs } from '../guest/guest-os'
import type { ManagerId } from '../guest/managers'
import { type CommandLineNic, parseNics } from '../qemu/command-line'
import { type Devices, NO_DEVICES, parseDevices } from './devices'
import { guestOsOf, managerOf } from './metadata'
import { attribute, child, list, type Node, parseXml, positive, textOf } from './xml'

export interface Domain {
  readonly name: string
  readonly uuid: string
  /** 'kvm', 'qemu' (emulated), 'test' ... libvirt uses vhost only for kvm. */
  readonly type: string
  readonly arch: string
  /** Machine type, such as pc-q35-rhel9.4.0; its version decides on queues that nobody asked for. */
  readonly machine: string
  /** Present only in the XML of a running guest. */
  readonly id: number | undefined
  readonly vcpus: { readonly current: number; readonly maximum: number }
  readonly memoryKib: number | undefined
  /** <memtune><hard_limit>: also what QEMU may lock; undefined: libvirt chooses. */
  readonly hardLimitKib: number | undefined
  /** Who writes this XML anew at each start; undefined: nobody that vqtune knows. */
  readonly manager: ManagerId | undefined
  readonly guestOs: GuestOs | undefined
  readonly devices: Devices
  readonly interfaces: readonly DomainInterface[]
  /** NICs of qemu:commandline, which libvirt passes on without a look. */
  readonly commandLineNics: readonly CommandLineNic[]
}

/** Halves of a teaming pair: virtio, and the passed-through one that may be unplugged. */
export const TEAMING = ['persistent', 'transient'] as const

export const NIC_KINDS = ['virtio', 'passthrough', 'emulated'] as const

export interface DomainInterface {
  /** Position among the interfaces of the XML, counted from 0. */
  readonly index: number
  /** Lower case. Not unique: the two halves of a teaming pair share it by design. */
  readonly mac: string
  /** 'network', 'bridge', 'direct', 'user', 'hostdev' ... */
  readonly type: string
  /** 'virtio', 'e1000e' ...; undefined: libvirt's default, never virtio. */
  readonly model: string | undefined
  /** <driver name=>: 'vhost', 'qemu', or undefined for libvirt's choice. */
  readonly driver: string | undefined
  /** As written; undefined when absent. */
  readonly queues: number | undefined
  /** tap or macvtap: of the running guest, or the name that the configuration fixes. */
  readonly target: string | undefined
  /** False: somebody else makes the target before the guest starts (managed='no'). */
  readonly targetManaged: boolean
  /** Bridge, network, lower device or socket, for people. */
  readonly source: string | undefined
  /** Of the running guest, or chosen by the user (ua-...). */
  readonly alias: string | undefined
  readonly teaming: (typeof TEAMING)[number] | undefined
  /** <backend type=>, such as passt. */
  readonly backend: string | undefined
}

/** Interface types for which libvirt accepts queues=. */
const MULTIQUEUE_TYPES: ReadonlySet<string> = new Set([
  'network',
  'bridge',
  'direct',
  'ethernet',
  'vhostuser',
  'vdpa',
  // As QEMU's own command line names them.
  'tap',
  'vhost-user',
  'vhost-vdpa',
])

/** Types whose queues are those of a tap or macvtap, with the kernel's limit. */
const TAP_TYPES: ReadonlySet<string> = new Set(['network', 'bridge', 'direct', 'ethernet', 'tap'])

/** What the guest sees: a virtio NIC of QEMU, a device of the host passed through, an emulated NIC. */
export function kindOf(nic: DomainInterface): (typeof NIC_KINDS)[number] {
  if (nic.type === 'hostdev') return 'passthrough'
  return nic.model?.startsWith('virtio') === true ? 'virtio' : 'emulated'
}

export function isVirtio(nic: DomainInterface): boolean {
  return kindOf(nic) === 'virtio'
}

export function usesTap(nic: DomainInterface): boolean {
  return TAP_TYPES.has(nic.type)
}

export function supportsMultiqueue(nic: DomainInterface): boolean {
  // passt has one queue pair, also where it serves as a vhost-user backend.
  return isVirtio(nic) && MULTIQUEUE_TYPES.has(nic.type) && nic.backend !== 'passt'
}

/** Queue pairs that the guest is offered. */
export function offeredQueues(nic: DomainInterface): number {
  return supportsMultiqueue(nic) ? Math.max(1, nic.queues ?? 1) : 1
}

/** Queue pairs over all virtio interfaces that have queues of their own on the host. */
export function totalQueues(domain: Domain): number {
  return domain.interfaces.filter(supportsMultiqueue).reduce((sum, nic) => sum + offeredQueues(nic), 0)
}

/** @throws VqtuneError for malformed XML and for XML that is not a domain. */
export function parseDomain(xml: string, origin: string): Domain {
  const domain = child(parseXml(xml, origin), 'domain')
  const name = textOf(domain.name)
  const uuid = textOf(domain.uuid)
  const maximum = positive(textOf(domain.vcpu) ?? '1')
  if (name === undefined || uuid === undefined || maximum === undefined || maximum > 1e9) {
    throw new VqtuneError(
      'tool-failed',
      `${origin}: not a domain: <name>, <uuid> or <vcpu> is missing or wrong`,
    )
  }
  const devices = child(domain, 'devices')
  const type = child(child(domain, 'os'), 'type')
  return {
    name,
    uuid,
    type: attribute(domain, 'type') ?? '',
    arch: attribute(type, 'arch') ?? '',
    machine: attribute(type, 'machine') ?? '',
    id: positive(attribute(domain, 'id')),
    vcpus: { maximum, current: positive(attribute(child(domain, 'vcpu'), 'current')) ?? maximum },
    memoryKib: kib(domain.memory),
    hardLimitKib: kib(child(domain, 'memtune').hard_limit),
    manager: managerOf(domain, name),
    guestOs: guestOsOf(domain),
    devices: parseDevices(domain),
    interfaces: list(devices.interface).map((node, index) =>
      parseInterface(node, index, `${origin}: interface ${index + 1}`),
    ),
    commandLineNics: parseNics(commandLine(domain)),
  }
}

/** A domain of nothing but a name, for guests that other stacks than libvirt describe. */
export function bareDomain(name: string, uuid: string): Domain {
  return {
    name,
    uuid,
    type: '',
    arch: '',
    machine: '',
    id: undefined,
    vcpus: { current: 1, maximum: 1 },
    memoryKib: undefined,
    hardLimitKib: undefined,
    manager: undefined,
    guestOs: undefined,
    devices: NO_DEVICES,
    interfaces: [],
    commandLineNics: [],
  }
}

const UNITS: Readonly<Record<string, number>> = {
  b: 1 / 1024,
  bytes: 1 / 1024,
  kb: 1000 / 1024,
  k: 1,
  kib: 1,
  mb: 1e6 / 1024,
  m: 1024,
  mib: 1024,
  gb: 1e9 / 1024,
  g: 1024 ** 2,
  gib: 1024 ** 2,
  tb: 1e12 / 1024,
  t: 1024 ** 3,
  tib: 1024 ** 3,
}

/** A memory size with its unit, in KiB; libvirt itself always writes KiB. */
function kib(value: unknown): number | undefined {
  const amount = positive(textOf(value))
  const unit = attribute(child({ value }, 'value'), 'unit') ?? 'KiB'
  const factor = UNITS[unit.toLowerCase()]
  return amount === undefined || factor === undefined ? undefined : Math.round(amount * factor)
}

/** Arguments that qemu:commandline adds. The prefix is the one that libvirt itself writes. */
function commandLine(domain: Node): readonly string[] {
  return list(child(domain, 'qemu:commandline')['qemu:arg']).map((arg) => attribute(arg, 'value') ?? '')
}

function parseInterface(node: Node, index: number, origin: string): DomainInterface {
  const mac = attribute(child(node, 'mac'), 'address')?.toLowerCase()
  if (mac === undefined) throw new VqtuneError('tool-failed', `${origin}: no <mac address>`)
  const driver = child(node, 'driver')
  const source = child(node, 'source')
  const target = child(node, 'target')
  const queues = attribute(driver, 'queues')
  const teaming = attribute(child(node, 'teaming'), 'type')
  return {
    index,
    mac,
    type: attribute(node, 'type') ?? '',
    model: attribute(child(node, 'model'), 'type'),
    driver: attribute(driver, 'name'),
    queues: queues === undefined ? undefined : queueCount(queues, origin),
    target: attribute(target, 'dev'),
    targetManaged: attribute(target, 'managed') !== 'no',
    source: ['bridge', 'network', 'dev', 'path']
      .map((key) => attribute(source, key))
      .find((value) => value !== undefined),
    alias: attribute(child(node, 'alias'), 'name'),
    teaming: TEAMING.find((half) => half === teaming),
    backend: attribute(child(node, 'backend'), 'type'),
  }
}

function queueCount(value: string, origin: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value)
  throw new VqtuneError('tool-failed', `${origin}: queues='${value}' is not a number`)
}
