/** Channels: the number of queue pairs in use, set by `ethtool -L`. */
import { VqtuneError } from '../errors'
import { classifyRefusal } from '../kernel/ethtool'
import { readLinks } from '../kernel/ip-link'
import type { DesiredNic, ObservedNic, ObstacleCode, RegressionHold, Skip, Step } from '../model'
import type { System } from '../system/system'
import { operand } from '../text/escape'
import { COUNT } from './codecs'
import { StepRefused } from './refused'
import type { Tunable } from './tunable'

export const CHANNELS_KEY = 'combined'

export const channels: Tunable<number> = {
  name: 'channels',
  noun: 'channel count',
  codec: COUNT,
  // virtnet_set_channels() lays out interrupts and XPS for the new count, and newer kernels the RSS table.
  resets: ['rss-table', 'irq-affinity', 'xps'],
  read: (_system, nic) => [{ key: CHANNELS_KEY, value: nic.channels.current, label: 'channels' }],
  desire({ nic, desired, regressionHold }) {
    if (desired.target !== nic.channels.current) {
      const reason = reasonOf(nic, desired, regressionHold)
      return { wanted: [{ key: CHANNELS_KEY, value: desired.target, reason }], skips: [] }
    }
    if (desired.idealChannels === desired.target) return { wanted: [], skips: [] }
    const isGuarded = desired.limitedBy === 'guard' && regressionHold !== undefined
    return { wanted: [], skips: [isGuarded ? guardSkip(nic, regressionHold) : obstacleSkip(nic)] }
  },
  write: setChannels,
}

function obstacleSkip(nic: ObservedNic): Pick<Skip, 'code' | 'why'> {
  return nic.obstacle ?? { code: 'unsupported', why: 'the driver reports no maximum number of channels' }
}

function guardSkip({ name }: ObservedNic, hold: RegressionHold): Pick<Skip, 'code' | 'why'> {
  const way = hold.confirmed ? `; vqtune apply ${operand(name)} tries ${hold.from} again` : ''
  return { code: 'guard', why: `${describeRegressionHold(hold)}${way}` }
}

/** `reduced by the guard: with 4 channels ...` */
function describeRegressionHold({ confirmed, why }: RegressionHold): string {
  return confirmed ? `reduced by the guard: ${why}` : `the guard is comparing: ${why}`
}

function reasonOf(nic: ObservedNic, desired: DesiredNic, hold: RegressionHold | undefined): string {
  switch (desired.limitedBy) {
    case 'guard':
      // Only a hold makes the guard the limit; see desiredState.
      return describeRegressionHold(hold as RegressionHold)
    case 'vcpus':
      return `one queue pair for each of ${desired.target} online vCPUs`
    case 'host':
      return `the host exposes ${nic.channels.maximum} queue pairs`
    case 'isolated':
      return `one queue pair for each of ${desired.target} vCPUs that are not isolated`
    case 'policy':
      return 'set by the configuration'
    default:
      return 'the maximum that the driver accepts'
  }
}

/**
 * Runs `ethtool -L`. The exit status does not say whether anything changed (versions differ), so the caller compares
 * before and observes afterwards.
 */
async function setChannels(system: System, step: Step, count: number): Promise<void> {
  const result = await system.run('ethtool', ['-L', step.nic, 'combined', String(count)], {
    timeoutMs: 15_000,
  })
  if (result.code === 0 || /unmodified, ignoring/.test(result.stderr + result.stdout)) return
  const { code, text } = classifyRefusal(result)
  if (code === 'permission') {
    throw new VqtuneError('permission', `${step.nic}: setting channels needs CAP_NET_ADMIN (${text})`)
  }
  if (code === 'vanished') {
    throw new VqtuneError('vanished', `${step.nic}: the NIC went away while its channels were set`)
  }
  throw await explained(system, step, code, text)
}

/** "Invalid argument" alone says nothing; XDP is the usual cause and easy to detect. */
async function explained(system: System, step: Step, code: ObstacleCode, text: string): Promise<Error> {
  if (code === 'refused' || code === 'xdp') {
    const xdp = code === 'xdp' || (await readLinks(system)).get(step.nic)?.xdp === true
    if (xdp) {
      return new StepRefused('xdp', 'an XDP program is attached: the driver refuses other channels', text)
    }
    return new VqtuneError(
      'tool-failed',
      `${step.nic}: channels ${step.old} -> ${step.new} refused by the kernel: ${text}`,
    )
  }
  return new StepRefused(code, `the kernel refused ${step.new} channels`, text)
}
