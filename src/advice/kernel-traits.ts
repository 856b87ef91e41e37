/**
 * What this kernel does with a virtio-net NIC, by what it shows, never by its version. Pure. What only a change would tell
 * is said to be untold: explain changes nothing.
 */
import type { DriverAnswers } from '../kernel/driver-answers'
import type { CpuList } from '../model'
import { plural } from '../text/plural'

export const KERNEL_TRAITS = [
  'channels-at-probe',
  'vcpu-hotplug',
  'rss-table',
  'ring-size',
  'coalescing',
  'channel-events',
  'queue-counters',
] as const

export interface KernelTrait {
  readonly trait: (typeof KERNEL_TRAITS)[number]
  readonly label: string
  /** A clause; UNTOLD where looking does not tell. */
  readonly value: string
  /** What it is concluded from, or why it is untold. */
  readonly seen: string
}

export const UNTOLD = 'cannot be told by looking'

export interface TraitInput {
  readonly answers: DriverAnswers
  /** Channels now, and the host's maximum. */
  readonly channels: { readonly current: number; readonly maximum: number | undefined }
  /** Before the first write of vqtune; undefined if that is not known. */
  readonly channelsBefore: number | undefined
  readonly onlineCount: number
  /** Other software that may have set the channels. */
  readonly channelWriters: readonly string[]
  readonly hasRss: boolean
  /** A ring may be reset by itself. */
  readonly hasRingReset: boolean
  /** Receive queues that the RSS table names, ascending; undefined without a table. */
  readonly rssQueues: CpuList | undefined
  /** The table is as vqtune has made it. */
  readonly isOwnRssTable: boolean
}

/** In the order of KERNEL_TRAITS. */
export function kernelTraits(input: TraitInput): readonly KernelTrait[] {
  return [
    { trait: 'channels-at-probe', label: 'channels at probe', ...channelsAtProbe(input) },
    { trait: 'vcpu-hotplug', label: 'vCPU hot-plug', ...vcpuHotplug(input.answers) },
    { trait: 'rss-table', label: 'RSS table', ...rssTable(input) },
    { trait: 'ring-size', label: 'ring size', ...ringSize(input) },
    { trait: 'coalescing', label: 'interrupt coalescing', ...coalescing(input.answers.coalescing) },
    { trait: 'channel-events', label: 'events of channels', ...channelEvents(input.answers.netlink) },
    { trait: 'queue-counters', label: 'counters per queue', ...queueCounters(input.answers.counters) },
  ]
}

type Verdict = Pick<KernelTrait, 'value' | 'seen'>

const untold = (seen: string): Verdict => ({ value: UNTOLD, seen })

function channelsAtProbe(input: TraitInput): Verdict {
  const { channels, channelsBefore, onlineCount, channelWriters } = input
  const { maximum } = channels
  if (maximum === undefined) return untold('the maximum of the host is unknown')
  const most = Math.min(maximum, onlineCount)
  if (most < 2) return untold(`it could use ${plural(most, 'channel')} only`)
  if (channelWriters.length > 0) return untold(`${channelWriters.join(', ')} may have set them`)
  if (channelsBefore === undefined) return untold('vqtune changed them in this boot')
  const seen = `${plural(channelsBefore, 'channel')} before any change by vqtune, ${plural(onlineCount, 'vCPU')} online, host maximum ${maximum}`
  return channelsBefore === most
    ? { value: 'one for each online vCPU, up to the maximum', seen }
    : untold(`${seen}: chosen by the kernel, or changed since`)
}

const STATES = '/sys/devices/system/cpu/hotplug/states'

function vcpuHotplug({ followsVcpus }: DriverAnswers): Verdict {
  if (followsVcpus === undefined) return untold(`there is no ${STATES}`)
  return followsVcpus
    ? {
        value: 'interrupts and XPS are laid out anew, channels are kept',
        seen: `virtio/net:online is in ${STATES}`,
      }
    : { value: 'nothing is laid out anew', seen: `virtio/net:online is not in ${STATES}` }
}

function rssTable(input: TraitInput): Verdict {
  const { hasRss, rssQueues, channels, channelsBefore, isOwnRssTable } = input
  if (!hasRss) return { value: 'none', seen: 'host and driver have not agreed on RSS' }
  if (rssQueues === undefined) return untold('ethtool -x shows no table')
  const { current } = channels
  const names = `it names ${plural(rssQueues.length, 'queue')}, ${current} ${current === 1 ? 'is' : 'are'} in use`
  if (rssQueues.length !== current || rssQueues.at(-1) !== current - 1)
    return { value: 'does not follow channels, or was set by hand', seen: names }
  if (isOwnRssTable) return untold('vqtune has made it anew')
  return channelsBefore === undefined || channelsBefore === current
    ? untold(`${names}: no change of channels is known`)
    : { value: 'follows channels', seen: `${names}, ${channelsBefore} before` }
}

function ringSize({ answers: { rings }, hasRingReset }: TraitInput): Verdict {
  if (rings === undefined) return untold('ethtool -g gave no answer')
  if (rings === 'unsupported') return { value: 'not shown', seen: 'ethtool -g is not supported' }
  const { rx, rxMaximum, tx, txMaximum } = rings
  const seen = `RX ${rx} of ${rxMaximum}, TX ${tx} of ${txMaximum}`
  return hasRingReset
    ? { value: 'can be changed', seen: `${seen}; host and driver have agreed on VIRTIO_F_RING_RESET` }
    : { value: 'cannot be changed', seen: `${seen}; host and driver have not agreed on VIRTIO_F_RING_RESET` }
}

function coalescing(settings: DriverAnswers['coalescing']): Verdict {
  if (settings === undefined) return untold('ethtool -c gave no answer')
  if (settings === 'unsupported') return { value: 'none', seen: 'ethtool -c is not supported' }
  return settings.length === 0
    ? { value: 'none', seen: 'ethtool -c shows no setting' }
    : { value: settings.join(', '), seen: 'ethtool -c shows them; the host limits what they may be' }
}

function channelEvents(netlink: boolean | undefined): Verdict {
  if (netlink === undefined) return untold('ethtool -l gave no answer')
  return netlink
    ? { value: 'ethtool --monitor and udev', seen: 'ethtool and kernel talk netlink' }
    : { value: 'udev', seen: 'ethtool and kernel talk ioctl, which tells of no change' }
}

function queueCounters(counters: DriverAnswers['counters']): Verdict {
  if (counters === undefined) return untold('ethtool -S names no queue')
  if (counters === 'unsupported') return { value: 'none', seen: 'ethtool -S is not supported' }
  const { spelling, packets } = counters
  return packets
    ? { value: `${spelling}_packets and others`, seen: 'ethtool -S' }
    : { value: `${spelling}_kicks and others, but no packets`, seen: 'ethtool -S' }
}
