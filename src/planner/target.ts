/** Desired state: how many channels a NIC should have, what limits that, and which CPUs each queue gets. Pure. */

import type { CpuList, DesiredNic, LimitingFactor, NicSettings, ObservedCpus, ObservedNic } from '../model'
import { driverGroups } from './driver-layout'
import { type CpuLoad, layOut } from './layout'

/** VIRTIO_NET_CTRL_MQ_VQ_PAIRS allows more, but tap (MAX_TAP_QUEUES) and common backends stop here. */
export const MAX_CHANNELS = 256

export type IsolatedPolicy = 'avoid' | 'use'

/** CPUs that may take a NIC's interrupts: the online ones, without isolated ones unless configured. */
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
 * M = min(online vCPUs, queue pairs the host exposed, policy), 1..256. A fixed count replaces the automatic one and may
 * include isolated CPUs, but cannot exceed the host's maximum or the number of vCPUs.
 * @param maximum the host's maximum; undefined if it was not queried, because it cannot matter
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

/** True if the host's maximum can change the outcome: the NIC has a count other than the one it would want without a limit. */
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
 * The whole desired state of one NIC. If an obstacle prevents a change of channels, the layout is for the channels it has,
 * so that they are still private and cover all CPUs.
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
  // The guard's limit is lower than a count the driver had accepted, so it is accepted too; a maximum that did not need to
  // be queried (maximumMatters) is no obstacle.
  const unasked = aim.limitedBy === 'guard' ? undefined : unanswered(maximum)
  const obstacle = current === aim.channels ? undefined : (nic.obstacle?.code ?? unasked)
  const target = obstacle === undefined ? aim.channels : current
  const usable = usableCpus(cpus, isolated)
  const pool = target <= usable.length ? usable : cpus.online
  return {
    idealChannels: wanted.channels,
    target,
    limitedBy: obstacle ?? aim.limitedBy,
    groups:
      nic.selectsQueueByCpu === true
        ? driverGroups(Math.min(target, pool.length), maximum, pool, cpus)
        : layOut(Math.min(target, pool.length), pool, cpus, load),
  }
}

/** A driver that reports no maximum does not accept channels either. */
function unanswered(maximum: number | undefined): 'unsupported' | undefined {
  return maximum === undefined ? 'unsupported' : undefined
}
