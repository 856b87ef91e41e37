/**
 * Commit-confirm of `vqtune apply`. Interactively, it ends as soon as the gateway has answered, or after the whole time;
 * without a gateway only the carrier can be checked, once. Units wait for the whole time. At boot there is usually no
 * connectivity to lose yet: only a NIC that already has a carrier, as with a root file system over the network, is
 * watched, for one second, so that booting goes on.
 */

import type { Settings } from '../config/settings'
import {
  type Baseline,
  type Baselines,
  baselinesToWatch,
  type ConnectivityLoss,
  describeLoss,
  revert,
  type WatchEnd,
  watchChange,
} from '../confirm/confirm'
import { hasGateway } from '../confirm/connectivity'
import { watchWithService } from '../confirm/queue-service'
import { revertRecord } from '../confirm/record'
import type { ObservedGuest } from '../model'
import { nicByIndex } from '../planner/find-nic'
import type { CommandContext } from './command'

const BOOT_SECONDS = 1

/**
 * @param after the guest as apply left it
 * @returns NICs that lost connectivity, and whether they could be reverted
 */
export async function confirmApply(
  context: CommandContext,
  settings: Settings,
  before: Baselines,
  after: ObservedGuest,
  limit: AbortSignal | undefined,
): Promise<readonly ConnectivityLoss[]> {
  const { system, options } = context
  const boot = options.boot === true
  const attended = !boot && options.unattended !== true
  const { commitConfirmSeconds } = settings.guard
  const seconds = boot ? Math.min(BOOT_SECONDS, commitConfirmSeconds) : commitConfirmSeconds
  const say = (text: string): void => {
    if (attended && options.json !== true) context.out(`${text}\n`)
  }
  const signal = limit === undefined ? context.signal : AbortSignal.any([context.signal, limit])
  const ends = await Promise.all(
    baselinesToWatch(before, after).map(async (one): Promise<[Baseline, WatchEnd]> => {
      say(describeWatch(one, seconds))
      const watch = () => watchChange(system, one, seconds, signal, attended)
      // Over at once, as without a gateway, there is no traffic to judge by.
      const isShort = boot || (attended && !hasGateway(one.connectivity))
      const end = await (isShort
        ? watch()
        : watchWithService(system, one.nic.ifindex, watch, (text) =>
            context.warn(`${one.nic.name}: ${text}`),
          ))
      if (typeof end === 'string') say(describeEnd(one, end))
      return [one, end]
    }),
  )
  const lost: ConnectivityLoss[] = []
  for (const [{ nic }, end] of ends) {
    if (typeof end === 'string') continue
    const from = nicByIndex(after, nic.ifindex)?.channels.current ?? 0
    lost.push(await revert(system, nic, from, end.lost))
  }
  for (const one of lost) context.warn(describeLoss(one))
  // An administrator has just read it, and a running daemon records it. At boot the state directory may not exist yet.
  if (options.unattended === true) await record(context, settings, lost)
  return lost
}

function describeWatch({ nic, connectivity }: Baseline, seconds: number): string {
  const { gateway, neighbour } = connectivity
  if (hasGateway(connectivity)) {
    return `${nic.name}: verifying carrier and gateway ${gateway}, for at most ${seconds} s (guard.commit-confirm-seconds); Ctrl-C keeps the channels`
  }
  return `${nic.name}: only the carrier can be verified: ${whyNoGateway(gateway, neighbour)}`
}

function whyNoGateway(gateway: string | undefined, neighbour: string | undefined): string {
  if (gateway === undefined) return 'no default gateway'
  if (neighbour === 'FAILED') return `gateway ${gateway} did not answer before the change either`
  return `gateway ${gateway} was not known to answer: ${neighbour ?? 'no'} neighbour entry`
}

function describeEnd({ nic, connectivity }: Baseline, end: Extract<WatchEnd, string>): string {
  switch (end) {
    case 'verified':
      return hasGateway(connectivity)
        ? `${nic.name}: the gateway answered through every transmit queue`
        : `${nic.name}: the carrier is up`
    case 'over':
      return `${nic.name}: carrier and gateway are up, but not every transmit queue could be verified: channels kept`
    case 'stopped':
      return `${nic.name}: verification interrupted, channels kept`
  }
}

async function record(
  { system, warn }: CommandContext,
  settings: Settings,
  lost: readonly ConnectivityLoss[],
): Promise<void> {
  if (lost.length === 0) return
  const { appendHistory } = await import('../drift/history')
  for (const one of lost) {
    try {
      appendHistory(system, revertRecord(one, new Date().toISOString()), settings.daemon.historySizeKib)
    } catch (error) {
      warn(error instanceof Error ? error.message : String(error))
    }
  }
}
