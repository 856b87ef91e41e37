/**
 * The vocabulary of vqtune as types; nothing here does anything.
 * Data flows one way: Observed -> Desired -> Plan (steps, skips) -> applied, then observed again.
 */

/** CPU numbers, ascending, without repetition. */
export type CpuList = readonly number[]

/** The guest's CPUs, as /sys/devices/system/cpu tells. */
export interface ObservedCpus {
  readonly online: CpuList
  /** CPUs to keep free of interrupts: isolcpus=, nohz_full=, isolated cpusets, irqaffinity=; only those that are online. */
  readonly isolated: CpuList
  /** What says so, for people; absent if none is isolated. */
  readonly isolatedBy?: readonly string[]
}

/** How a NIC's virtqueues reach the CPU; see vp_find_vqs() in drivers/virtio/virtio_pci_common.c. */
export const INTERRUPT_LAYOUTS = [
  /** One MSI-X vector for each virtqueue: the only layout in which queues can be private to a vCPU. */
  'per-queue',
  /** Too few vectors: one for config, one (`virtioN-virtqueues`) for all queues. */
  'shared',
  /** No MSI-X: one level interrupt, named `virtioN`. */
  'intx',
  /** virtio-mmio: the transport has a single interrupt. */
  'mmio',
  /** virtio-ccw (s390x): adapter interrupts, not listed per queue. */
  'ccw',
  /** No interrupt found: the driver is not bound fully, or the device is down. */
  'unknown',
] as const
export type InterruptLayout = (typeof INTERRUPT_LAYOUTS)[number]

/** One interrupt line of a queue. Where it may go is a setting: see ObservedNic.settings. */
export interface ObservedIrq {
  readonly irq: number
  /** The action name in /proc/interrupts, such as `virtio2-input.0`. */
  readonly name: string
  /** effective_affinity, absent on kernels without it, and unless asked for. Stale until the next interrupt, so nothing is judged by it. */
  readonly effective: CpuList | undefined
}

/** One queue pair that is in use (index < channels.current). */
export interface ObservedQueue {
  readonly index: number
  readonly rxIrq: ObservedIrq | undefined
  readonly txIrq: ObservedIrq | undefined
}

/**
 * The one shape of a setting's value: its place and its text, the same in plan, ledger, drift, messages and JSON. The
 * tunable's codec says what the text means; nothing else needs to know.
 */
export interface ObservedSetting {
  readonly tunable: TunableName
  /** Names the place within NIC and tunable, whatever the interface or interrupt is called now: `queue 3 rx`. */
  readonly key: string
  readonly value: string
  /** The place for people: `queue 3 rx IRQ 26`. */
  readonly label: string
  /** The kernel file that holds it; undefined where a program sets it. */
  readonly file: string | undefined
}

/** Values by tunable and key, as ledger and snapshots keep them. */
export type RecordedValues = Readonly<Record<TunableName, Readonly<Record<string, string>>>>

export interface ObservedChannels {
  /** Queue pairs in use: the count of queues/tx-N. (XDP adds rx queues only.) 1..256. */
  readonly current: number
  /** Queue pairs that the host exposed ("Pre-set maximums"); undefined when not asked or not answered. */
  readonly maximum: number | undefined
}

/** Something that makes the driver refuse new channels, found before we try. */
export interface Obstacle {
  readonly code: ObstacleCode
  /** One sentence without a full stop. */
  readonly why: string
}

export const OBSTACLE_CODES = [
  'xdp', // an XDP program is attached in the driver
  'af-xdp', // an AF_XDP socket is bound
  'rss-table', // the RSS table uses a queue that would go
  'flow-rules', // an ntuple rule uses a queue that would go
  'memory-provider', // a program receives into memory of its own on a queue that would go
  'suspended', // the device sleeps
  'refused', // the kernel refused; its words are in the reason
  'unsupported', // the driver has no such setting
  'unknown-maximum', // ethtool failed, so the host maximum is unknown: an error, unlike the others
] as const
export type ObstacleCode = (typeof OBSTACLE_CODES)[number]

/** Why a NIC or one of its tunables is not tuned. Only 'unknown-maximum' and 'undecided-rule' are errors. */
export const SKIP_CODES = [
  ...OBSTACLE_CODES,
  'disabled', // policy: enabled = false
  'held', // rolled back by an administrator; `vqtune apply` ends it
  'yielded', // another writer won, by policy
  'guard', // traffic was worse with more channels, or with other values
  'shared-interrupt', // queues have no interrupt of their own
  'no-xps', // the kernel or NIC has no xps_cpus
  'no-ring-reset', // host or kernel cannot change the size of a ring
  'unknown-rings', // ethtool could not be asked for the ring sizes
  'no-threaded-napi', // the kernel has no threaded NAPI
  'no-rfs', // the kernel has no receive flow steering
  'no-flow-table', // net.core.rps_sock_flow_entries, which RFS needs, is 0
  'unnamed', // udev has not named the interface yet
  'unknown-table', // ethtool could not be asked for the RSS table
  'undecided-rule', // it is unknown whether a rule matches the NIC: an error
] as const
export type SkipCode = (typeof SKIP_CODES)[number]

export const PARENT_BUSES = ['pci', 'mmio', 'ccw', 'other'] as const

/** A network interface on the virtio bus whose driver is virtio_net: a target. */
export interface ObservedNic {
  readonly name: string
  readonly altnames: readonly string[]
  readonly ifindex: number
  /**
   * The permanent address, by which the host knows the NIC: a bond, team or NetworkManager's cloned-mac-address temporarily
   * sets another one. The current one if the permanent one is unknown.
   */
  readonly mac: string
  /** False if only the current address is known. */
  readonly isMacPermanent: boolean
  /** `ip` has been run: altnames and mac are certain. */
  readonly isIdentified: boolean
  /** Device name on the virtio bus, such as `virtio2`; not changed by renaming the interface. */
  readonly virtio: string
  readonly bus: (typeof PARENT_BUSES)[number]
  /** Address on the parent bus: `0000:00:03.0`, `LNRO0005:00`, `0.0.0001`. */
  readonly busAddress: string
  readonly operstate: string
  /** Upper device that enslaved this one (bond, bridge, team, failover ...). */
  readonly master: string | undefined
  /** Feature bits that vqtune cares for; see include/uapi/linux/virtio_net.h. */
  readonly features: {
    readonly multiqueue: boolean
    readonly controlQueue: boolean
    readonly rss: boolean
    /** A virtqueue may be reset by itself, and so get another size: VIRTIO_F_RING_RESET. */
    readonly ringReset: boolean
  }
  readonly channels: ObservedChannels
  readonly interruptLayout: InterruptLayout
  /** The driver selects the transmit queue by CPU number, ignores xps_cpus and never writes an affinity: RHEL 7's. */
  readonly selectsQueueByCpu?: boolean
  /** MSI-X vectors that the device was given; undefined when it has none. */
  readonly vectors: number | undefined
  readonly queues: readonly ObservedQueue[]
  /** Everything that a tunable reads of this NIC, in the order of the registry. */
  readonly settings: readonly ObservedSetting[]
  /** Undefined without RSS, with one channel, or when not asked; 'unknown' if ethtool could not be asked. */
  readonly rssTable: RssTable | 'unknown' | undefined
  /** Absent when not asked; 'unknown' if ethtool could not be asked, 'unsupported' if the driver does not tell. */
  readonly rings?: Rings | 'unknown' | 'unsupported'
  readonly obstacle: Obstacle | undefined
}

/** Ring sizes in descriptors. The kernel shows those of queue 0; all queues have the same. */
export interface Rings {
  readonly rx: number
  readonly rxMaximum: number
  readonly tx: number
  readonly txMaximum: number
}

/** How an RSS indirection table spreads flows: as the default for so many queues does, or by another count of entries per queue. */
export type RssSpread =
  | { readonly equal: number }
  | { readonly entries: readonly (readonly [queue: number, count: number])[] }

export interface RssTable {
  /** Entries; 128 on QEMU's device. */
  readonly size: number
  readonly spread: RssSpread
}

export const IGNORED_KINDS = [
  'failover-master',
  'bond-master',
  'team-master',
  'bridge',
  'stacked',
  'other-driver',
  'vdpa',
  'bad-name',
  'other-namespace',
  'unbound',
] as const

/** An interface that looks related to virtio-net but is not a target, with the reason for people. */
export interface IgnoredInterface {
  readonly name: string
  readonly kind: (typeof IGNORED_KINDS)[number]
  readonly why: string
}

/** One look at the guest. */
export interface ObservedGuest {
  readonly bootId: string
  readonly cpus: ObservedCpus
  /** Entries of the table of RFS; 0 for no table, absent where the kernel does not tell. See kernel/flow-table.ts. */
  readonly flowEntries?: number | undefined
  readonly nics: readonly ObservedNic[]
  readonly ignored: readonly IgnoredInterface[]
  /** Every device on the virtio bus, also those whose interface is in another network namespace. */
  readonly devices: readonly string[]
}

/** DMI identity, as SMBIOS types 0 to 3 have it; empty strings where the guest has no DMI (ccw, microvm). */
export interface Hypervisor {
  /** Type 1, system: who made the virtual machine, and as what. */
  readonly vendor: string
  readonly product: string
  readonly family: string
  /** Type 0. */
  readonly biosVendor: string
  /** Type 2. */
  readonly boardVendor: string
  readonly boardName: string
  /** Type 3. */
  readonly chassisVendor: string
  readonly chassisTag: string
}

/** What keeps the target from being larger. When several are equal, the first in this order is named. */
export const LIMITING_FACTORS = [
  /** As many queues as usable vCPUs: nothing is missing. */
  'vcpus',
  /** The host exposes fewer queue pairs than there are vCPUs. */
  'host',
  /** cap or channels in the configuration. */
  'policy',
  /** The rest of the vCPUs is isolated and must not take interrupts. */
  'isolated',
  /** The driver's own limit of 256 queue pairs. */
  'driver',
  /** Throughput was lower with more, and the guard reduced them. */
  'guard',
  /** Channels cannot be changed now; the NIC keeps what it has. */
  ...OBSTACLE_CODES,
] as const
export type LimitingFactor = (typeof LIMITING_FACTORS)[number]

/** What the guard took back, and the conditions under which that holds; see planner/regression-hold.ts. */
interface GuardHold {
  /** False while the guard still compares the two. */
  readonly confirmed: boolean
  /** Online vCPUs then. */
  readonly vcpus: number
  /** The host's maximum then; absent when it was not known. */
  readonly maximum?: number
  /** What the configuration said then, of what bears on it. */
  readonly policy: string
  /** With the numbers; one clause without a full stop. */
  readonly why: string
  /** ISO 8601. */
  readonly at: string
}

/** A step of the guard back to fewer channels. */
export interface RegressionHold extends GuardHold {
  /** The count that was worse. */
  readonly from: number
  /** The count before, which the NIC keeps. 1..from-1. */
  readonly to: number
}

/** A step of the guard back to earlier values of another tunable. */
export interface SettingHold extends GuardHold {
  /** What the NIC keeps, by key: all settings of the tunable. */
  readonly values: Readonly<Record<string, string>>
}

/** By tunable. */
export type SettingHolds = Readonly<Record<TunableName, SettingHold>>

/** CPUs of one queue pair. irq groups are disjoint and cover the usable CPUs; xps groups are disjoint and cover all online CPUs. */
export interface QueueGroup {
  readonly irq: CpuList
  readonly xps: CpuList
}

export interface DesiredNic {
  /** min(vCPUs, host maximum, policy), whether or not the NIC can have it now. */
  readonly idealChannels: number
  /** Channels the NIC should have now: `wanted`, or what it has when an obstacle forbids a change. */
  readonly target: number
  readonly limitedBy: LimitingFactor
  /** One for each queue pair of the target. */
  readonly groups: readonly QueueGroup[]
}

/** A name of the registry, tunables/index.ts. */
export type TunableName = string

/** One write. Carries all that is needed to do it and to undo it. */
export interface Step {
  readonly tunable: TunableName
  /** Interface name at planning time. */
  readonly nic: string
  /** Compared before the write: a name may belong to another NIC by then. */
  readonly ifindex: number
  readonly key: string
  readonly label: string
  readonly file: string | undefined
  readonly old: string
  readonly new: string
  readonly reason: string
}

export interface Skip {
  readonly nic: string
  /** The tunable that is not tuned; undefined: the whole NIC. */
  readonly tunable: TunableName | undefined
  readonly code: SkipCode
  readonly why: string
}

export interface Plan {
  readonly steps: readonly Step[]
  readonly skips: readonly Skip[]
  /** What people should know of settings that are not planned for, one clause each. */
  readonly notes: readonly string[]
}

/** What the policy says for one NIC after all matching rules; see vqtune.toml(5). */
export interface NicSettings {
  readonly enabled: boolean
  /** Upper limit for the target, 1..256; undefined: none. */
  readonly cap: number | undefined
  /** Exact count wanted, 1..256, still limited by the host; undefined: automatic. */
  readonly channels: number | undefined
  readonly onConflict: ConflictPolicy
  /** What the tunables' own keys say, by key; each tunable declares its switch. */
  readonly switches: Readonly<Record<string, SwitchValue>>
}

export type SwitchValue = boolean | string | number

/** What to do when another writer changed what we had applied. */
export const CONFLICT_POLICIES = ['reassert', 'yield', 'report'] as const
export type ConflictPolicy = (typeof CONFLICT_POLICIES)[number]
