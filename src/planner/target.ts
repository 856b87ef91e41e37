/** Desire: how many channels a NIC should have, what limits that, and which CPUs each queue gets. Pure. */

import type { CpuList, DesiredNic, LimitingFactor, NicSettings, ObservedCpus, ObservedNic } from '../model'
import { type CpuLoad, layOut } from './layout'

/** VIRTIO_NET_CTRL_MQ_VQ_PAIRS allows more, but tap (MAX_TAP_QUEUES) and common backends stop here. */
export const MAX_CHANNELS = 256

export type IsolatedPolicy = 'avoid' | 'use'

/** CPUs that may take a NIC's interrupts: the online ones, without isolated ones unless told to use them. */
export function usableCpus(cpus: ObservedCpus, isolated: IsolatedPolicy): CpuList {
  if (isolated === 'use' || cpus.isolated.length === 0) return cpus.online
  const apart = new Set(cpus.isolated)
  const rest = cpus.online.filter((cpu) => !apart.has(cpu))
  return rest.length === 0 ? cpus.online : rest
}

export interface Target {
  readonly channels: number
  readonly limitedBy: LimitingFactor
}

/**
 * M = min(online vCPUs, queue pairs the host exposed, policy), 1..256. A fixed count takes the place of the automatic
 * one and may reach into isolated CPUs, but neither the host's maximum nor the vCPUs can be exceeded.
 * @param maximum the host's maximum; undefined when it was not asked, which is only done when it cannot matter
 */
export function targetChannels(
  cpus: ObservedCpus,
  isolated: IsolatedPolicy,
  settings: Pick<NicSettings, 'cap' | 'channels'>,
  maximum: number | undefined,
): Target {
  const none = Number.POSITIVE_INFINITY
  const limits: readonly Target[] = [
    { limitedBy: 'vcpus', channels: cpus.online.length },
    { limitedBy: 'host', channels: maximum ?? none },
    { limitedBy: 'policy', channels: settings.channels ?? none },
    { limitedBy: 'policy', channels: settings.cap ?? none },
    {
      limitedBy: 'isolated',
      channels: settings.channels === undefined ? usableCpus(cpus, isolated).length : none,
    },
    { limitedBy: 'driver', channels: MAX_CHANNELS },
  ]
  const best = limits.reduce((least, limit) => (limit.channels < least.channels ? limit : least))
  return { ...best, channels: Math.max(1, best.channels) }
}

/** True when the host's maximum can change the outcome: the NIC has other channels than it would want without a limit. */
export function maximumMatters(
  nic: ObservedNic,
  cpus: ObservedCpus,
  isolated: IsolatedPolicy,
  settings: NicSettings,
): boolean {
  return (
    settings.enabled && nic.channels.current !== targetChannels(cpus, isolated, settings, undefined).channels
  )
}

/**
 * The whole desired state of one NIC. When an obstacle forbids other channels, the layout is made for the channels
 * it has, so that they are still private and cover all CPUs.
 * @param load shared by all NICs of the guest, in interface index order, so that they spread fairly
 * @param regressionHold a count that the guard allows at most, 1..256; undefined: no such limit
 */
export function desiredState(
  nic: ObservedNic,
  cpus: ObservedCpus,
  isolated: IsolatedPolicy,
  settings: NicSettings,
  load: CpuLoad,
  regressionHold?: number,
): DesiredNic {
  const { current, maximum } = nic.channels
  const wanted = targetChannels(cpus, isolated, settings, maximum)
  const aim: Target =
    regressionHold !== undefined && regressionHold < wanted.channels
      ? { channels: regressionHold, limitedBy: 'guard' }
      : wanted
  // The guard's limit is for fewer channels than a raise gave, so the driver takes them; a maximum that nobody had to ask
  // for (maximumMatters) is no obstacle to it.
  const unasked = aim.limitedBy === 'guard' ? undefined : unanswered(maximum)
  const obstacle = current === aim.channels ? undefined : (nic.obstacle?.code ?? unasked)
  const target = obstacle === undefined ? aim.channels : current
  const usable = usableCpus(cpus, isolated)
  const pool = target <= usable.length ? usable : cpus.online
  return {
    idealChannels: wanted.channels,
    target,
    limitedBy: obstacle ?? aim.limitedBy,
    groups: layOut(Math.min(target, pool.length), pool, cpus, load),
  }
}

/** The driver does not tell a maximum at all: then it does not take channels either. */
function unanswered(maximum: number | undefined): 'unsupported' | undefined {
  return maximum === undefined ? 'unsupported' : undefined
}
