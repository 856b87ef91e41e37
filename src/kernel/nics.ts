/** Finds virtio-net NICs by bus and driver, never by name, and explains what only looks like one. */
import type { IgnoredInterface, ObservedNic } from '../model'
import type { System } from '../system/system'

/** What the class directory tells of a target before its queues are looked at. */
export interface FoundNic
  extends Pick<ObservedNic, 'name' | 'ifindex' | 'mac' | 'isMacPermanent' | 'virtio' | 'bus' | 'busAddress'> {
  /** Its directory below /sys/class/net. */
  readonly directory: string
}

export interface FoundNics {
  readonly targets: readonly FoundNic[]
  readonly ignored: readonly IgnoredInterface[]
  /** Every device on the virtio bus, whether or not its interface is to be seen here. */
  readonly devices: readonly string[]
}

/** Device type of network devices in the virtio specification, 5.1. */
export const VIRTIO_ID_NET = '0x0001'

// The class link names the whole ancestry: ../../devices/pci0000:00/0000:00:03.0/virtio2/net/ens3
const VIRTIO_ANCESTRY = /\/([^/]+)\/(virtio\d+)\/net\/[^/]+$/

/** One link is read for each interface; only virtio ones and those that have a device or lower devices cost more. */
export function findNics(system: System): FoundNics {
  const targets: FoundNic[] = []
  const ignored: IgnoredInterface[] = []
  const upper: { name: string; directory: string }[] = []
  for (const name of system.list(system.paths.sysClassNet)) {
    const directory = `${system.paths.sysClassNet}/${name}`
    // Node reads names as UTF-8: of one that is not, we have only what it cannot be found by.
    if (name.includes('\ufffd')) {
      ignored.push(badName(name, 'its name is not UTF-8'))
      continue
    }
    const ancestry = system.readLink(directory)
    if (ancestry === undefined) continue // bonding_masters is a file
    const match = VIRTIO_ANCESTRY.exec(ancestry)
    if (match === null) {
      if (ancestry.includes('/virtual/')) upper.push({ name, directory })
      else ignored.push(otherDriver(system, name, directory))
      continue
    }
    const [, parent = '', virtio = ''] = match
    const found = classify(system, name, directory, parent, virtio)
    if (found === undefined) continue
    if ('kind' in found) ignored.push(found)
    else targets.push(found)
  }
  const names = new Set(targets.map((nic) => nic.name))
  for (const { name, directory } of upper) {
    const stacked = stackedOn(system, name, directory, names)
    if (stacked !== undefined) ignored.push(stacked)
  }
  ignored.push(...elsewhere(system))
  // Interface index order: a NIC that is plugged in later never changes what the earlier ones should have.
  const devices = system.list(system.paths.sysVirtioDevices)
  return { targets: targets.sort((a, b) => a.ifindex - b.ifindex), ignored, devices }
}

/** @returns undefined when the interface went meanwhile: an index of 0 would name none */
function classify(
  system: System,
  name: string,
  directory: string,
  parent: string,
  virtio: string,
): FoundNic | IgnoredInterface | undefined {
  const ifindex = system.readText(`${directory}/ifindex`)
  if (ifindex === undefined) return undefined
  const driver = basename(system.readLink(`${directory}/device/driver`))
  if (driver !== 'virtio_net') {
    return { name, kind: 'other-driver', why: `on the virtio bus, but its driver is ${driver ?? 'none'}` }
  }
  // net_failover's master sits on the same virtio device as its standby and is the upper device of it.
  const lower = lowerDevices(system, directory)
  if (lower.length > 0) {
    return {
      name,
      kind: 'failover-master',
      why: `net_failover master of ${lower.join(' and ')}: channels belong to those`,
    }
  }
  const bus = busOf(basename(system.readLink(`${directory}/device/../subsystem`)))
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
    mac: (system.readText(`${directory}/address`) ?? '').trim(),
    isMacPermanent: hasOwnAddress(system, directory),
  }
}

/** NET_ADDR_PERM (include/uapi/linux/netdevice.h): no other address was set. A port of a bond or team may have one. */
function hasOwnAddress(system: System, directory: string): boolean {
  const assigned = system.readText(`${directory}/addr_assign_type`)?.trim()
  return assigned === undefined ? !system.exists(`${directory}/master`) : assigned === '0'
}

function badName(name: string, problem: string): IgnoredInterface {
  return {
    name,
    kind: 'bad-name',
    why: `${problem}: give it another (N is its number in "ip link"): ip link set dev ifN name NAME`,
  }
}

function busOf(subsystem: string | undefined): FoundNic['bus'] | 'vdpa' {
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

function otherDriver(system: System, name: string, directory: string): IgnoredInterface {
  const driver = basename(system.readLink(`${directory}/device/driver`)) ?? 'unknown'
  return { name, kind: 'other-driver', why: `driver ${driver}, not on the virtio bus` }
}

function stackedOn(
  system: System,
  name: string,
  directory: string,
  targets: ReadonlySet<string>,
): IgnoredInterface | undefined {
  const members = lowerDevices(system, directory).filter((lower) => targets.has(lower))
  if (members.length === 0) return undefined
  const over = members.join(', ')
  if (system.exists(`${directory}/bonding`)) {
    return { name, kind: 'bond-master', why: `bond of ${over}: channels belong to its ports` }
  }
  if (system.exists(`${directory}/bridge`)) {
    return { name, kind: 'bridge', why: `bridge over ${over}: channels belong to its ports` }
  }
  if (
    members.some(
      (member) => basename(system.readLink(`${system.paths.sysClassNet}/${member}/master`)) === name,
    )
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
function elsewhere(system: System): IgnoredInterface[] {
  const { sysVirtioNetDriver, sysVirtioDevices } = system.paths
  const bound = system.list(sysVirtioNetDriver).filter((entry) => /^virtio\d+$/.test(entry))
  const away = bound
    .filter((entry) => system.list(`${sysVirtioNetDriver}/${entry}/net`).length === 0)
    .map((entry) => ({
      name: entry,
      kind: 'other-namespace' as const,
      why: 'its interface is in another network namespace; run vqtune there',
    }))
  const unbound = system
    .list(sysVirtioDevices)
    .filter((entry) => system.readText(`${sysVirtioDevices}/${entry}/device`)?.trim() === VIRTIO_ID_NET)
    .filter((entry) => system.readLink(`${sysVirtioDevices}/${entry}/driver`) === undefined)
    .map((entry) => ({
      name: entry,
      kind: 'unbound' as const,
      why: 'a virtio-net device that no driver has taken: see dmesg for why virtio_net refused it',
    }))
  return [...away, ...unbound]
}

function lowerDevices(system: System, directory: string): string[] {
  return system
    .list(directory)
    .filter((entry) => entry.startsWith('lower_'))
    .map((entry) => entry.slice('lower_'.length))
}

export function basename(path: string | undefined): string | undefined {
  return path?.slice(path.lastIndexOf('/') + 1)
}
