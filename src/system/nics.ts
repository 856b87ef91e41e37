/** Finds virtio-net NICs by bus and driver, never by name, and explains what only looks like one. */
import type { Bystander, ObservedNic } from '../model'
import type { Host } from './host'

/** What the class directory tells of a target before its queues are looked at. */
export interface NicIdentity
  extends Pick<ObservedNic, 'name' | 'ifindex' | 'mac' | 'virtio' | 'bus' | 'busAddress'> {
  /** Its directory below /sys/class/net. */
  readonly directory: string
}

export interface FoundNics {
  readonly targets: readonly NicIdentity[]
  readonly bystanders: readonly Bystander[]
}

/** Device type of network devices in the virtio specification, 5.1. */
export const VIRTIO_ID_NET = '0x0001'

// The class link names the whole ancestry: ../../devices/pci0000:00/0000:00:03.0/virtio2/net/ens3
const VIRTIO_ANCESTRY = /\/([^/]+)\/(virtio\d+)\/net\/[^/]+$/

/** One link is read for each interface; only virtio ones and those that have a device or lower devices cost more. */
export function findNics(host: Host): FoundNics {
  const targets: NicIdentity[] = []
  const bystanders: Bystander[] = []
  const upper: { name: string; directory: string }[] = []
  for (const name of host.list(host.paths.sysClassNet)) {
    const directory = `${host.paths.sysClassNet}/${name}`
    // Node reads names as UTF-8: of one that is not, we have only what it cannot be found by.
    if (name.includes('\ufffd')) {
      bystanders.push(badName(name, 'its name is not UTF-8'))
      continue
    }
    const ancestry = host.readLink(directory)
    if (ancestry === undefined) continue // bonding_masters is a file
    const match = VIRTIO_ANCESTRY.exec(ancestry)
    if (match === null) {
      if (ancestry.includes('/virtual/')) upper.push({ name, directory })
      else bystanders.push(otherDriver(host, name, directory))
      continue
    }
    const [, parent = '', virtio = ''] = match
    const found = classify(host, name, directory, parent, virtio)
    if (found === undefined) continue
    if ('kind' in found) bystanders.push(found)
    else targets.push(found)
  }
  const names = new Set(targets.map((nic) => nic.name))
  for (const { name, directory } of upper) {
    const stacked = stackedOn(host, name, directory, names)
    if (stacked !== undefined) bystanders.push(stacked)
  }
  bystanders.push(...elsewhere(host))
  // Interface index order: a NIC that is plugged in later never changes what the earlier ones should have.
  return { targets: targets.sort((a, b) => a.ifindex - b.ifindex), bystanders }
}

/** @returns undefined when the interface went meanwhile: an index of 0 would name none */
function classify(
  host: Host,
  name: string,
  directory: string,
  parent: string,
  virtio: string,
): NicIdentity | Bystander | undefined {
  const ifindex = host.readText(`${directory}/ifindex`)
  if (ifindex === undefined) return undefined
  const driver = basename(host.readLink(`${directory}/device/driver`))
  if (driver !== 'virtio_net') {
    return { name, kind: 'other-driver', why: `on the virtio bus, but its driver is ${driver ?? 'none'}` }
  }
  // net_failover's master sits on the same virtio device as its standby and is the upper device of it.
  const lower = lowerDevices(host, directory)
  if (lower.length > 0) {
    return {
      name,
      kind: 'failover-master',
      why: `net_failover master of ${lower.join(' and ')}: channels belong to those`,
    }
  }
  const bus = busOf(basename(host.readLink(`${directory}/device/../subsystem`)))
  if (bus === 'vdpa') {
    return { name, kind: 'vdpa', why: `${virtio} is a vDPA device: its interrupts belong to ${parent}` }
  }
  // Asked for it, ethtool would tell of every interface, see WILDCARD_DEVNAME there.
  if (name === '*') return badName(name, 'ethtool takes * for all interfaces')
  return {
    name,
    directory,
    virtio,
    bus,
    busAddress: parent,
    ifindex: Number(ifindex),
    mac: (host.readText(`${directory}/address`) ?? '').trim(),
  }
}

function badName(name: string, problem: string): Bystander {
  return {
    name,
    kind: 'bad-name',
    why: `${problem}: give it another (N is its number in "ip link"): ip link set dev ifN name NAME`,
  }
}

function busOf(subsystem: string | undefined): NicIdentity['bus'] | 'vdpa' {
  switch (subsystem) {
    case 'pci':
    case 'ccw':
    case 'vdpa':
      return subsystem
    case 'platform':
      return 'mmio'
    default:
      return 'other'
  }
}

function otherDriver(host: Host, name: string, directory: string): Bystander {
  const driver = basename(host.readLink(`${directory}/device/driver`)) ?? 'unknown'
  return { name, kind: 'other-driver', why: `driver ${driver}, not on the virtio bus` }
}

function stackedOn(
  host: Host,
  name: string,
  directory: string,
  targets: ReadonlySet<string>,
): Bystander | undefined {
  const members = lowerDevices(host, directory).filter((lower) => targets.has(lower))
  if (members.length === 0) return undefined
  const over = members.join(', ')
  if (host.exists(`${directory}/bonding`)) {
    return { name, kind: 'bond-master', why: `bond of ${over}: channels belong to its ports` }
  }
  if (host.exists(`${directory}/bridge`)) {
    return { name, kind: 'bridge', why: `bridge over ${over}: channels belong to its ports` }
  }
  if (
    members.some((member) => basename(host.readLink(`${host.paths.sysClassNet}/${member}/master`)) === name)
  ) {
    return {
      name,
      kind: 'team-master',
      why: `team or similar master of ${over}: channels belong to its ports`,
    }
  }
  return {
    name,
    kind: 'stacked',
    why: `stacked on ${over} (VLAN, macvlan or the like): has no channels of its own`,
  }
}

/** virtio-net devices that show no interface here. sysfs hides those of other network namespaces. */
function elsewhere(host: Host): Bystander[] {
  const { sysVirtioNetDriver, sysVirtioDevices } = host.paths
  const bound = host.list(sysVirtioNetDriver).filter((entry) => /^virtio\d+$/.test(entry))
  const away = bound
    .filter((entry) => host.list(`${sysVirtioNetDriver}/${entry}/net`).length === 0)
    .map((entry) => ({
      name: entry,
      kind: 'other-namespace' as const,
      why: 'its interface is in another network namespace; run vqtune there',
    }))
  const unbound = host
    .list(sysVirtioDevices)
    .filter((entry) => host.readText(`${sysVirtioDevices}/${entry}/device`)?.trim() === VIRTIO_ID_NET)
    .filter((entry) => host.readLink(`${sysVirtioDevices}/${entry}/driver`) === undefined)
    .map((entry) => ({
      name: entry,
      kind: 'unbound' as const,
      why: 'a virtio-net device that no driver has taken: see dmesg for why virtio_net refused it',
    }))
  return [...away, ...unbound]
}

function lowerDevices(host: Host, directory: string): string[] {
  return host
    .list(directory)
    .filter((entry) => entry.startsWith('lower_'))
    .map((entry) => entry.slice('lower_'.length))
}

export function basename(path: string | undefined): string | undefined {
  return path?.slice(path.lastIndexOf('/') + 1)
}
