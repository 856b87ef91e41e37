/** What keeps a NIC from one private queue per vCPU: each cause with its text and the next action. Pure. */

import { nicOrigin, type Settings } from '../config/settings'
import { formatCpuList } from '../kernel/cpulist'
import {
  type DesiredNic,
  type NicSettings,
  OBSTACLE_CODES,
  type ObservedCpus,
  type ObservedNic,
  type ObstacleCode,
} from '../model'
import { MAX_CHANNELS, targetChannels, usableCpus } from '../planner/target'
import { operand, shellQuote } from '../text/escape'
import { plural } from '../text/plural'

export const LIMIT_CODES = [
  'no-multiqueue',
  'no-control-queue',
  'host-maximum',
  'shared-vectors',
  'intx',
  'mmio',
  'ccw',
  'no-interrupt',
  ...OBSTACLE_CODES,
  'xdp-lock',
  'disabled',
  'guard',
  'cap',
  'fixed',
  'isolated',
  'vcpus',
  'driver',
] as const

export interface Limit {
  readonly code: (typeof LIMIT_CODES)[number]
  /** The finding, one sentence without a full stop. */
  readonly text: string
  /** What to do about it, one sentence without a full stop; undefined: nothing. */
  readonly next: string | undefined
  /** True if the limit is on the hypervisor: a remedy of the platform applies. */
  readonly onHost: boolean
}

export interface LimitInput {
  readonly nic: ObservedNic
  readonly desired: DesiredNic
  readonly nicSettings: NicSettings
  readonly settings: Settings
  readonly cpus: ObservedCpus
  /** CPUs that the kernel has room for: an XDP program in the driver wants a queue of its own for each. */
  readonly possibleCpus: number
}

/**
 * Queue pairs that an XDP program in the driver takes for itself, 0 without one: one for each possible CPU, used by XDP_TX
 * and XDP_REDIRECT. With fewer it runs all the same, with a lock for each packet (virtnet_xdp_set).
 */
function xdpQueues({ nic, possibleCpus }: Pick<LimitInput, 'nic' | 'possibleCpus'>): number {
  return nic.obstacle?.code === 'xdp' ? possibleCpus : 0
}

/**
 * What to ask the host for: the channels of this policy, and what XDP takes. Where both are more than a NIC can have, 256,
 * XDP keeps its lock, and only channels are asked for.
 */
export function hostRequest(input: Omit<LimitInput, 'desired'>): {
  readonly target: number
  readonly xdpQueues: number
} {
  const ideal = pairsToRequest(input)
  const own = xdpQueues(input)
  return ideal + own > MAX_CHANNELS
    ? { target: ideal, xdpQueues: 0 }
    : { target: ideal + own, xdpQueues: own }
}

/** `give this NIC 4 queues on the host, 2 for the channels and 2 for XDP` */
function askHost(input: LimitInput): string {
  const { target, xdpQueues: own } = hostRequest(input)
  const share = own === 0 ? '' : `, ${target - own} for the channels and ${own} for XDP`
  return `give this NIC ${target} queues on the host${share}`
}

/**
 * Queue pairs that the host should expose for this policy: the target if the host set no limit.
 * If it is more than the current maximum, a remedy on the host is worthwhile.
 */
export function pairsToRequest({
  nicSettings,
  settings,
  cpus,
}: Pick<LimitInput, 'nicSettings' | 'settings' | 'cpus'>): number {
  return targetChannels(cpus, settings.isolated, nicSettings, undefined).channels
}

/** All limits, the decisive one first; an entry 'vcpus' if there is none. Last comes what XDP does with the queues it has. */
export function limitsOf(input: LimitInput): readonly Limit[] {
  const found = [
    ...(input.nicSettings.enabled ? [] : [disabled(input)]),
    ...obstacle(input),
    ...guard(input),
    ...hostLimit(input),
    ...interrupts(input.nic),
    ...policy(input),
    ...isolated(input),
  ]
  return [...(found.length > 0 ? found : [enough(input)]), ...xdpLock(input)]
}

function disabled({ nic, settings }: LimitInput): Limit {
  const origin = nicOrigin(settings, nic, 'enabled')
  return {
    code: 'disabled',
    text: `the configuration disables tuning of this NIC: enabled = false (${origin})`,
    next: 'set enabled = true there, then vqtune apply',
    onHost: false,
  }
}

function guard({ nic, desired }: LimitInput): Limit[] {
  if (desired.limitedBy !== 'guard') return []
  return [
    {
      code: 'guard',
      text: `the guard limits this NIC to ${desired.target} of ${desired.idealChannels} channels: with more, traffic was worse`,
      next: `vqtune trial ${operand(nic.name)} measures this in more detail; vqtune apply ${operand(nic.name)} tries ${desired.idealChannels} again`,
      onHost: false,
    },
  ]
}

const OBSTACLE_NEXT: Record<ObstacleCode, (name: string) => string> = {
  // Where raising the channels would leave XDP too few queues, obstacle() asks the host first.
  xdp: (name) =>
    `detach the program (ip link set dev ${shellQuote(name)} xdp off), run vqtune apply ${operand(name)}, and attach it again; or attach it after vqtune at boot`,
  'af-xdp': () =>
    'stop the program that uses the AF_XDP socket (ss -f xdp), run vqtune apply, and start it again',
  'rss-table': (name) => `ethtool -X ${shellQuote(name)} default, then vqtune apply ${operand(name)}`,
  'flow-rules': (name) =>
    `ethtool -n ${shellQuote(name)} lists the rules, ethtool -N ${shellQuote(name)} delete N removes one; then vqtune apply ${operand(name)}`,
  'memory-provider': () =>
    'stop the program that receives into memory of its own (device memory TCP, io_uring zero copy), run vqtune apply, and start it again',
  suspended: (name) =>
    `wake the device (ip link set dev ${shellQuote(name)} up), then vqtune apply ${operand(name)}`,
  refused: () => 'see the kernel log (dmesg) for why',
  unsupported: (name) =>
    `this driver and kernel cannot set channels; see ethtool -i ${shellQuote(name)} and uname -r`,
  'unknown-maximum': (name) =>
    `ethtool -l ${shellQuote(name)} shows the error; then run vqtune apply ${operand(name)}`,
}

/** Only where it decides: a NIC that has the channels it should have needs no change. */
function obstacle(input: LimitInput): Limit[] {
  const { nic, desired } = input
  if (nic.obstacle === undefined || desired.limitedBy !== nic.obstacle.code) return []
  const { code, why } = nic.obstacle
  if (code === 'xdp' && raisingTakesFromXdp(input)) {
    const next = `leave it as it is: with ${desired.idealChannels} channels XDP would send with a lock for each packet; ${askHost(input)}`
    return [{ code, text: why, next, onHost: true }]
  }
  return [{ code, text: why, next: OBSTACLE_NEXT[code](nic.name), onHost: false }]
}

/** XDP has queues of its own now, and would not with the channels that are wanted. */
function raisingTakesFromXdp(input: LimitInput): boolean {
  const { current, maximum } = input.nic.channels
  if (maximum === undefined) return false
  const own = xdpQueues(input)
  return current + own <= maximum && input.desired.idealChannels + own > maximum
}

/** A fact, not a fault: XDP works, and the NIC has the channels that it can have. */
function xdpLock(input: LimitInput): Limit[] {
  const { current, maximum } = input.nic.channels
  const own = xdpQueues(input)
  if (own === 0 || maximum === undefined || current + own <= maximum) return []
  const ideal = pairsToRequest(input)
  const more = ideal > current ? `, ${ideal + own} with ${ideal} in use` : ''
  return [
    {
      code: 'xdp-lock',
      text: `XDP runs, and sends with a lock for each packet: for queues of its own it needs ${plural(current + own, 'queue pair')} (${current} in use + ${own} possible vCPUs)${more}; the host exposes ${maximum}`,
      next: undefined,
      onHost: false,
    },
  ]
}

function hostLimit(input: LimitInput): Limit[] {
  const { nic, cpus } = input
  const wished = pairsToRequest(input)
  const next = askHost(input)
  if (wished < 2) return []
  // Checked first: without a control queue there is no multiqueue feature either (virtnet_validate_features).
  if (!nic.features.controlQueue) {
    return [
      {
        code: 'no-control-queue',
        text: 'the device has no control virtqueue (feature VIRTIO_NET_F_CTRL_VQ): the driver cannot ask for more than one queue pair',
        next: 'enable the control virtqueue on the host (QEMU: ctrl_vq=on, the default)',
        onHost: !nic.features.multiqueue,
      },
    ]
  }
  if (!nic.features.multiqueue) {
    return [
      {
        code: 'no-multiqueue',
        text: 'the host does not offer multiple queues (feature VIRTIO_NET_F_MQ): the guest cannot use more than one queue pair',
        next,
        onHost: true,
      },
    ]
  }
  const { maximum } = nic.channels
  if (maximum === undefined || maximum >= wished) return []
  return [
    {
      code: 'host-maximum',
      text: `the host exposes ${plural(maximum, 'queue pair')}; ${cpus.online.length} vCPUs could use ${wished}`,
      next,
      onHost: true,
    },
  ]
}

/** Layouts in which queues cannot be private; see vp_find_vqs() in drivers/virtio/virtio_pci_common.c. */
function interrupts(nic: ObservedNic): Limit[] {
  const most = nic.channels.maximum ?? nic.channels.current
  if (most < 2) return []
  switch (nic.interruptLayout) {
    case 'per-queue':
      return []
    case 'shared':
      return [
        {
          code: 'shared-vectors',
          text: `the device has too few MSI-X vectors (${plural(most, 'queue pair')} need ${2 * most + 1}): all queues share one interrupt and so one vCPU`,
          next: `give the device ${2 * most + 2} vectors on the host (QEMU: vectors=${2 * most + 2}; libvirt: remove <driver ... vectors=>), then power off and on`,
          onHost: false,
        },
      ]
    case 'intx':
      return [
        {
          code: 'intx',
          text: 'the device has no MSI-X: all queues share one level interrupt (INTx)',
          next: 'remove pci=nomsi from the kernel command line, if present (/proc/cmdline), or give the device vectors on the host (QEMU: no vectors=0)',
          onHost: false,
        },
      ]
    case 'mmio':
      return [
        {
          code: 'mmio',
          text: 'the device is virtio-mmio, which has a single interrupt: more queues spread transmit work, but not interrupts',
          next: 'only another transport has an interrupt for each queue, if this machine type has one (QEMU microvm: pcie=on)',
          onHost: false,
        },
      ]
    case 'ccw':
      return [
        {
          code: 'ccw',
          text: 'the device is virtio-ccw: adapter interrupts cannot be pinned per queue, so only channels and XPS are tuned',
          next: undefined,
          onHost: false,
        },
      ]
    case 'unknown':
      return [
        {
          code: 'no-interrupt',
          text: 'the device has no interrupt in /proc/interrupts: it is down or its driver is not ready',
          next: `ip link set dev ${shellQuote(nic.name)} up, then vqtune status ${operand(nic.name)}`,
          onHost: false,
        },
      ]
  }
}

function policy({ nic, nicSettings, settings, cpus }: LimitInput): Limit[] {
  const usable = usableCpus(cpus, settings.isolated).length
  const from = (key: string): string => nicOrigin(settings, nic, key)
  const { cap, channels } = nicSettings
  const limits: Limit[] = []
  if (cap !== undefined && cap < Math.min(usable, nic.channels.maximum ?? usable)) {
    limits.push({
      code: 'cap',
      text: `the configuration allows at most ${cap}: cap = ${cap} (${from('cap')})`,
      next: 'raise cap there to allow more',
      onHost: false,
    })
  }
  if (channels !== undefined && channels !== usable) {
    limits.push({
      code: 'fixed',
      text: `the configuration asks for exactly ${channels}: channels = ${channels} (${from('channels')})`,
      next: 'set channels = "auto" there for one per vCPU',
      onHost: false,
    })
  }
  return limits
}

function isolated({ settings, cpus, nicSettings }: LimitInput): Limit[] {
  const usable = new Set(usableCpus(cpus, settings.isolated))
  const apart = cpus.online.filter((cpu) => !usable.has(cpu))
  if (apart.length === 0 || nicSettings.channels !== undefined) return []
  return [
    {
      code: 'isolated',
      text: `CPU ${formatCpuList(apart)} is isolated (${(cpus.isolatedBy ?? []).join(', ')}) and gets no queue interrupts`,
      next: 'set isolated-cpus = "use" in vqtune.toml to use it',
      onHost: false,
    },
  ]
}

function enough({ cpus, desired }: LimitInput): Limit {
  if (cpus.online.length > MAX_CHANNELS && desired.idealChannels === MAX_CHANNELS) {
    const text = `${MAX_CHANNELS} queue pairs are the maximum of virtio-net hosts; there are ${cpus.online.length} vCPUs`
    return { code: 'driver', text, next: undefined, onHost: false }
  }
  return {
    code: 'vcpus',
    text: `there is a queue pair for each of the ${cpus.online.length} vCPUs: no limit`,
    next: undefined,
    onHost: false,
  }
}
