/** A virtual machine as `qm config` prints it: `key: value` lines. Reading, and the one edit that vqtune makes. Pure. */
import type { GuestOs } from '../guest/guest-os'
import type { Disk } from '../libvirt/devices'
import { bareDomain, type Domain, type DomainInterface } from '../libvirt/domain'
import { positive } from '../libvirt/xml'

/** queues= of netX (API of /nodes/{node}/qemu/{vmid}/config); releases before 7 or so take 16. */
export const MAX_PROXMOX_QUEUES = 64

export type QmConfig = ReadonlyMap<string, string>

export function parseConfig(text: string): QmConfig {
  return new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const match = /^([a-z][\w-]*):\s?(.*)$/.exec(line)
      return match === null ? [] : [[match[1] as string, match[2] as string]]
    }),
  )
}

/** netX keys in the order of their numbers. */
export function netKeys(config: QmConfig): readonly string[] {
  return [...config.keys()]
    .filter((key) => /^net\d+$/.test(key))
    .sort((a, b) => Number(a.slice(3)) - Number(b.slice(3)))
}

/** The lines of some keys, as `qm config` has them: what is changed, backed up and compared. */
export function linesOf(config: QmConfig, keys: readonly string[]): string {
  return keys.flatMap((key) => (config.has(key) ? [`${key}: ${config.get(key)}\n`] : [])).join('')
}

/** netX with another number of queues; every other option stays in its place. 1 removes it. */
export function withQueues(net: string, queues: number): string {
  const options = net.split(',')
  const at = options.findIndex((option) => option.startsWith('queues='))
  if (queues === 1) return options.filter((_, i) => i !== at).join(',')
  const option = `queues=${queues}`
  return (at < 0 ? [...options, option] : options.map((old, i) => (i === at ? option : old))).join(',')
}

/** True when `qm set` on a running machine takes the NIC out and plugs it in anew: hot-plug of networks is on by default. */
export function hotPlugsNetworks(config: QmConfig): boolean {
  const hotplug = config.get('hotplug')
  return hotplug === undefined || hotplug === '1' || hotplug.split(',').includes('network')
}

/** The same form as libvirt's guests have, so that the same checks judge it. */
export function toDomain(vmid: string, config: QmConfig): Domain {
  const total = (positive(config.get('sockets')) ?? 1) * (positive(config.get('cores')) ?? 1)
  const memory = /(?:^|current=)(\d+)/.exec(config.get('memory') ?? '')?.[1]
  const machine = config.get('machine') ?? ''
  return {
    ...bareDomain(vmid, /uuid=([0-9a-f-]{36})/i.exec(config.get('smbios1') ?? '')?.[1] ?? ''),
    type: config.get('kvm') === '0' ? 'qemu' : 'kvm',
    arch: config.get('arch') ?? 'x86_64',
    machine: /(?:^|type=)([^,=]+)(?:,|$)/.exec(machine)?.[1] ?? '',
    vcpus: { current: Math.min(positive(config.get('vcpus')) ?? total, total), maximum: total },
    memoryKib: memory === undefined ? undefined : Number(memory) * 1024,
    guestOs: guestOsOf(config.get('ostype')),
    devices: {
      ...bareDomain('', '').devices,
      disks: disksOf(config),
      scsiControllers: scsiControllers(config),
      passedThrough: [...config.keys()].filter((key) => /^hostpci\d+$/.test(key)).length,
    },
    interfaces: netKeys(config).map((key, index) => interfaceOf(vmid, key, config.get(key) ?? '', index)),
  }
}

function interfaceOf(vmid: string, key: string, net: string, index: number): DomainInterface {
  const options = new Map(
    net.split(',').map((option): [string, string] => {
      const equals = option.indexOf('=')
      return equals < 0 ? [option, ''] : [option.slice(0, equals), option.slice(equals + 1)]
    }),
  )
  // `virtio=MAC`, or spelled out as model=virtio,macaddr=MAC.
  const [first, mac] = [...options].find(([, value]) => MAC.test(value)) ?? ['', '']
  const model = options.get('model') ?? (first === 'macaddr' ? undefined : first)
  const virtio = model === 'virtio'
  return {
    index,
    mac: mac.toLowerCase(),
    type: 'bridge',
    model,
    driver: virtio ? 'vhost' : undefined,
    queues: positive(options.get('queues')),
    target: `tap${vmid}i${key.slice(3)}`,
    targetManaged: true,
    source: options.get('bridge'),
    alias: key,
    teaming: undefined,
    backend: undefined,
  }
}

const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i

/** ostype: l24 and l26 are Linux, w..., win... and wxp Windows; other says nothing. */
function guestOsOf(ostype: string | undefined): GuestOs | undefined {
  if (ostype === undefined || ostype === 'other') return undefined
  if (/^l2[46]$/.test(ostype)) return { family: 'linux', name: 'Linux', certain: true }
  if (/^w/.test(ostype)) return { family: 'windows', name: `Windows (${ostype})`, certain: true }
  return { family: 'other', name: ostype, certain: true }
}

function diskValues(config: QmConfig): readonly (readonly [key: string, value: string])[] {
  return [...config].filter(
    ([key, value]) => /^(?:virtio|scsi|sata|ide)\d+$/.test(key) && !/media=cdrom|^none\b/.test(value),
  )
}

function disksOf(config: QmConfig): readonly Disk[] {
  return diskValues(config).map(([key]) => ({
    virtio: key.startsWith('virtio'),
    queues: undefined,
    protocol: undefined,
  }))
}

/** One controller for all SCSI disks, or with virtio-scsi-single one for each. */
function scsiControllers(config: QmConfig): readonly (number | undefined)[] {
  const hardware = config.get('scsihw') ?? ''
  const disks = diskValues(config).filter(([key]) => key.startsWith('scsi'))
  if (!hardware.startsWith('virtio-scsi') || disks.length === 0) return []
  const queues = disks.map(([, value]) => positive(/(?:^|,)queues=(\d+)/.exec(value)?.[1]))
  return hardware === 'virtio-scsi-single' ? queues : queues.slice(0, 1)
}
