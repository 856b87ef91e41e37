/** Observes the guest once. Reads sysfs and procfs; runs programs only for what is not there. */
import { VqtuneError } from '../errors'
import { readBootId } from '../kernel/boot-id'
import { readCpus } from '../kernel/cpus'
import { readChannels } from '../kernel/ethtool'
import { readFlowEntries } from '../kernel/flow-table'
import {
  interruptLayout,
  queuePairsOf,
  readQueueIrq,
  readVirtioInterrupts,
  type VirtioInterrupts,
} from '../kernel/interrupts'
import { type LinkFacts, type Links, readLinks } from '../kernel/ip-link'
import { basename, type FoundNic, findNics } from '../kernel/nics'
import { selectsQueueByCpu } from '../kernel/queue-selection'
import { readRings } from '../kernel/rings'
import { readRssTable } from '../kernel/rss'
import type { ObservedGuest, ObservedNic, Obstacle } from '../model'
import type { System } from '../system/system'
import { readSettings } from '../tunables/engine'
import type { NicTopology } from '../tunables/tunable'

export interface ObserveOptions {
  /**
   * Whether ethtool must be run for the host's maximum of this NIC (one child process) if its interrupts do not tell.
   * Undefined: never. Not needed for a NIC that already has as many channels as it could want.
   */
  readonly needsMaximum?: (nic: ObservedNic, guest: Pick<ObservedGuest, 'cpus'>) => boolean
  /** Run `ip` once, for all NICs, for XDP programs, altnames and permanent addresses; or its earlier result. */
  readonly links?: boolean | ((nics: readonly ObservedNic[]) => Promise<Links> | undefined)
  /** Ask ethtool for the RSS table of NICs that have negotiated RSS and use several queues; or how to know it otherwise. */
  readonly rssTable?: true | ((nic: NicTopology) => Promise<ObservedNic['rssTable']>)
  /** Ask ethtool for the ring sizes; or how to know them otherwise. One child process for each NIC. */
  readonly rings?: boolean | ((nic: NicTopology) => Promise<ObservedNic['rings']>)
  /** Read effective_affinity of the interrupts, which is shown, but judged by nobody: a third of all reads. */
  readonly effectiveAffinity?: boolean
  /** Maxima already known, by interface index; a NIC instance keeps its index and its maximum. */
  readonly knownMaxima?: ReadonlyMap<number, number>
  /**
   * Of whom ethtool could not be asked, by interface index: added to here, and those that are there already are not asked
   * again. One that hangs costs its time limit once.
   */
  readonly unanswered?: Map<number, Obstacle>
}

/**
 * Observes all virtio-net NICs and the online vCPUs. A NIC for which ethtool fails does not stop the others.
 * @throws VqtuneError kind unsupported without CPU lists
 */
export async function observeGuest(system: System, options: ObserveOptions = {}): Promise<ObservedGuest> {
  const cpus = readCpus(system)
  const { targets, ignored, devices } = findNics(system)
  const interrupts = targets.length === 0 ? new Map<string, number>() : readVirtioInterrupts(system)
  const driver = targets.length > 0 && selectsQueueByCpu(system) ? { selectsQueueByCpu: true } : {}
  const links = options.links === true && targets.length > 0 ? readLinks(system) : undefined
  const nics = await Promise.all(
    targets.map(async (identity) => {
      const topology = readNic(system, { ...identity, ...driver }, interrupts, options)
      const [rssTable, rings] = await Promise.all([
        rssTableOf(system, topology, options),
        ringsOf(system, topology, options),
      ])
      const nic = { ...topology, rssTable, ...(rings === undefined ? {} : { rings }) }
      return withMaximum(system, { ...nic, settings: readSettings(system, nic) }, options, cpus, interrupts)
    }),
  )
  const facts = await (typeof options.links === 'function' ? options.links(nics) : links)
  return {
    bootId: readBootId(system),
    cpus,
    flowEntries: targets.length === 0 ? undefined : readFlowEntries(system),
    nics: facts === undefined ? nics : nics.map((nic) => withLink(nic, facts.get(nic.name))),
    ignored,
    devices,
  }
}

// Bit numbers from include/uapi/linux/virtio_net.h.
const FEATURE = { controlQueue: 17, multiqueue: 22, ringReset: 40, rss: 60 } as const

async function rssTableOf(
  system: System,
  nic: NicTopology,
  { rssTable }: ObserveOptions,
): Promise<ObservedNic['rssTable']> {
  // With a single queue the table has no effect.
  if (rssTable === undefined || !nic.features.rss || nic.channels.current < 2) return undefined
  if (rssTable !== true) return rssTable(nic)
  const table = await readRssTable(system, nic.name)
  return table === 'none' ? undefined : table
}

async function ringsOf(
  system: System,
  nic: NicTopology,
  { rings = false }: ObserveOptions,
): Promise<ObservedNic['rings']> {
  if (rings === false) return undefined
  return rings === true ? readRings(system, nic.name) : rings(nic)
}

function readNic(
  system: System,
  identity: FoundNic & Pick<ObservedNic, 'selectsQueueByCpu'>,
  interrupts: VirtioInterrupts,
  { effectiveAffinity = false }: ObserveOptions,
): NicTopology {
  const irqOf = (direction: 'rx' | 'tx', queue: number) =>
    readQueueIrq(system, identity.virtio, direction, queue, interrupts, effectiveAffinity)
  const { directory, ...known } = identity
  const device = `${directory}/device`
  const queueNames = system.list(`${directory}/queues`)
  const rxCount = queueNames.filter((name) => name.startsWith('rx-')).length
  const txCount = queueNames.filter((name) => name.startsWith('tx-')).length
  const bits = system.readText(`${device}/features`) ?? ''
  const has = (bit: number): boolean => bits[bit] === '1'
  const vectors = system.list(`${device}/../msi_irqs`).length
  // XDP adds receive queues of its own (virtnet_xdp_set), so transmit queues are the ones that -L sets.
  const current = txCount
  return {
    ...known,
    altnames: [],
    isIdentified: false,
    operstate: (system.readText(`${directory}/operstate`) ?? 'unknown').trim(),
    master: basename(system.readLink(`${directory}/master`)),
    features: {
      multiqueue: has(FEATURE.multiqueue),
      controlQueue: has(FEATURE.controlQueue),
      rss: has(FEATURE.rss),
      ringReset: has(FEATURE.ringReset),
    },
    channels: { current, maximum: undefined },
    interruptLayout: interruptLayout(identity.virtio, identity.bus, interrupts),
    vectors: vectors === 0 ? undefined : vectors,
    queues: Array.from({ length: current }, (_, index) => ({
      index,
      rxIrq: irqOf('rx', index),
      txIrq: irqOf('tx', index),
    })),
    rssTable: undefined,
    obstacle: obstacleOf(system, device, rxCount, txCount),
  }
}

function obstacleOf(system: System, device: string, rxCount: number, txCount: number): Obstacle | undefined {
  if (rxCount > txCount) {
    return {
      code: 'xdp',
      why: `an XDP program is attached: the driver added ${rxCount - txCount} receive queues for it and refuses other channels`,
    }
  }
  const power = system.readText(`${device}/../power/runtime_status`)?.trim()
  if (power === 'suspended' || power === 'suspending') {
    return { code: 'suspended', why: 'the device is suspended (power/runtime_status)' }
  }
  return undefined
}

async function withMaximum(
  system: System,
  nic: ObservedNic,
  options: ObserveOptions,
  cpus: ObservedGuest['cpus'],
  interrupts: VirtioInterrupts,
): Promise<ObservedNic> {
  const known = options.knownMaxima?.get(nic.ifindex)
  if (known !== undefined) return { ...nic, channels: { ...nic.channels, maximum: known } }
  // Without the MQ feature and a control queue the driver has one pair, whatever is requested (virtnet_probe).
  if (!nic.features.multiqueue || !nic.features.controlQueue) {
    return { ...nic, channels: { ...nic.channels, maximum: 1 } }
  }
  if (nic.obstacle?.code === 'suspended') return nic
  const isNeeded = options.needsMaximum?.(nic, { cpus }) === true
  const maximum = queuePairsOf(nic.virtio, interrupts, nic.vectors)
  // Without ethtool they could not be set either: then the rest is planned for the channels that there are.
  const isUsable = !isNeeded || system.findTool('ethtool') !== undefined
  if (maximum !== undefined && maximum >= nic.channels.current && isUsable) {
    return { ...nic, channels: { ...nic.channels, maximum } }
  }
  if (!isNeeded) return nic
  const earlier = options.unanswered?.get(nic.ifindex)
  if (earlier !== undefined) return { ...nic, obstacle: nic.obstacle ?? earlier }
  try {
    const channels = await readChannels(system, nic.name)
    return channels === undefined ? nic : { ...nic, channels: { ...nic.channels, maximum: channels.maximum } }
  } catch (error) {
    if (!(error instanceof VqtuneError)) throw error
    // Removed between the directory listing and ethtool: the next observation will not list it.
    if (error.kind === 'vanished') return { ...nic, obstacle: { code: 'suspended', why: error.message } }
    const obstacle = unknownMaximum(nic.name, error.message)
    options.unanswered?.set(nic.ifindex, obstacle)
    return { ...nic, obstacle: nic.obstacle ?? obstacle }
  }
}

function unknownMaximum(nic: string, message: string): Obstacle {
  const why = message.startsWith(`${nic}: `) ? message.slice(nic.length + 2) : message
  return { code: 'unknown-maximum', why: `the maximum of the host is unknown: ${why}` }
}

function withLink(nic: ObservedNic, facts: LinkFacts | undefined): ObservedNic {
  if (facts === undefined) return nic
  const obstacle: Obstacle | undefined =
    nic.obstacle ??
    (facts.xdp
      ? { code: 'xdp', why: 'an XDP program is attached: the driver refuses other channels' }
      : undefined)
  const mac = facts.permanentMac ?? nic.mac
  return { ...nic, altnames: facts.altnames, mac, isMacPermanent: true, isIdentified: true, obstacle }
}
