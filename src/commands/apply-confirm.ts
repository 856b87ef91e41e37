/**
 * Commit-confirm of `vqtune apply`. Interactively, it ends as soon as the gateway has answered, or after the whole time;
 * without a gateway only the carrier can be checked, once. Units wait for the whole time. At boot there is usually no
 * connectivity to lose yet: only a NIC that already has a carrier, as with a root file system over the network, is
 * watched, for one second, so that booting goes on.
 */

import type { Settings } from '../config/settings'
import { type WatchEnd, watchChange } from '../confirm/confirm'
import { hasGateway } from '../confirm/connectivity'
import { watchWithService } from '../confirm/queue-service'
import { revertRecord } from '../confirm/record'
import { type ConnectivityLoss, describeLoss, revert } from '../confirm/revert'
import {
  confirmChanges,
  connectivityOf,
  ownChanges,
  secondsLeft,
  takeOver,
  type UnconfirmedEntry,
} from '../confirm/unconfirmed'
import { messageOf } from '../errors'
import type { Convergence } from '../planner/reconcile'
import type { CommandContext } from './command'

/**
 * Watches what this apply changed.
 * @param limit ends the watch: the changes are then left to the daemon, or to whoever runs next
 * @returns NICs that lost connectivity, and whether they could be reverted
 */
export async function confirmApply(
  context: CommandContext,
  settings: Settings,
  { guest, ledger }: Pick<Convergence, 'guest' | 'ledger'>,
  limit: AbortSignal | undefined,
): Promise<readonly ConnectivityLoss[]> {
  return watchAll(context, settings, guest.bootId, ownChanges(ledger), limit)
}

/**
 * Ends what a vqtune that is gone has left unconfirmed.
 * @throws VqtuneError kind busy, permission, state
 */
export async function confirmAbandoned(
  context: CommandContext,
  settings: Settings,
  bootId: string,
  limit: AbortSignal | undefined,
): Promise<readonly ConnectivityLoss[]> {
  const taken = await takeOver(context.system, bootId)
  for (const { name } of taken) {
    sayTo(context)(
      `${name}: its channels were changed and not confirmed: the vqtune that watched them is gone`,
    )
  }
  return watchAll(context, settings, bootId, taken, limit)
}

async function watchAll(
  context: CommandContext,
  settings: Settings,
  bootId: string,
  entries: readonly UnconfirmedEntry[],
  limit: AbortSignal | undefined,
): Promise<readonly ConnectivityLoss[]> {
  const { options } = context
  const signal = limit === undefined ? context.signal : AbortSignal.any([context.signal, limit])
  const ends = await Promise.all(
    entries.map(async (entry) => [entry, await watchOne(context, entry, signal)] as const),
  )
  const lost: ConnectivityLoss[] = []
  const kept: UnconfirmedEntry[] = []
  for (const [entry, end] of ends) {
    if (typeof end !== 'string') {
      const loss = await revert(context.system, entry, end.lost)
      if (loss !== undefined) lost.push(loss)
    } else if (end !== 'stopped' || isKept(context)) kept.push(entry)
  }
  await confirm(context, bootId, kept)
  for (const one of lost) context.warn(describeLoss(one))
  // An administrator has just read it, and a running daemon records it. At boot the state directory may not exist yet.
  if (options.unattended === true) await record(context, settings, lost)
  return lost
}

async function watchOne(
  context: CommandContext,
  entry: UnconfirmedEntry,
  signal: AbortSignal,
): Promise<WatchEnd> {
  const { name, ifindex, unconfirmed } = entry
  if (unconfirmed.lost !== undefined) return { lost: unconfirmed.lost }
  const say = sayTo(context)
  const seconds = secondsLeft(unconfirmed)
  const watched = { name, ifindex, connectivity: connectivityOf(unconfirmed) }
  say(describeWatch(entry, Math.ceil(seconds)))
  const watch = (): Promise<WatchEnd> =>
    watchChange(context.system, watched, seconds, signal, isAttended(context))
  // Over at once, as without a gateway, there is no traffic to judge by.
  const isShort = context.options.boot === true || (isAttended(context) && !hasGateway(watched.connectivity))
  const end = await (isShort
    ? watch()
    : watchWithService(context.system, ifindex, watch, (text) => context.warn(`${name}: ${text}`)))
  if (typeof end === 'string') say(describeEnd(entry, end, isKept(context)))
  return end
}

async function confirm(
  { system, warn }: CommandContext,
  bootId: string,
  entries: readonly UnconfirmedEntry[],
): Promise<void> {
  try {
    await confirmChanges(system, bootId, entries)
  } catch (error) {
    const names = entries.map(({ name }) => name).join(', ')
    warn(`${names}: channels kept, but the next vqtune verifies them again: ${messageOf(error)}`)
  }
}

function isAttended({ options }: CommandContext): boolean {
  return options.boot !== true && options.unattended !== true
}

/** Ctrl-C: whoever presses it is still connected. Other signals leave the change to whoever comes next. */
function isKept(context: CommandContext): boolean {
  return isAttended(context) && context.signal.reason === 'SIGINT'
}

function sayTo(context: CommandContext): (text: string) => void {
  return (text) => {
    if (isAttended(context) && context.options.json !== true) context.out(`${text}\n`)
  }
}

function describeWatch({ name, unconfirmed }: UnconfirmedEntry, seconds: number): string {
  const connectivity = connectivityOf(unconfirmed)
  const { gateway, neighbour } = connectivity
  if (hasGateway(connectivity)) {
    return `${name}: verifying carrier and gateway ${gateway}, for at most ${seconds} s (guard.commit-confirm-seconds); Ctrl-C keeps the channels`
  }
  return `${name}: only the carrier can be verified: ${whyNoGateway(gateway, neighbour)}`
}

function whyNoGateway(gateway: string | undefined, neighbour: string | undefined): string {
  if (gateway === undefined) return 'no default gateway'
  if (neighbour === 'FAILED') return `gateway ${gateway} did not answer before the change either`
  return `gateway ${gateway} was not known to answer: ${neighbour ?? 'no'} neighbour entry`
}

function describeEnd(
  { name, unconfirmed }: UnconfirmedEntry,
  end: Extract<WatchEnd, string>,
  isKept: boolean,
): string {
  switch (end) {
    case 'verified':
      return hasGateway(connectivityOf(unconfirmed))
        ? `${name}: the gateway answered through every transmit queue`
        : `${name}: the carrier is up`
    case 'over':
      return `${name}: carrier and gateway are up, but not every transmit queue could be verified: channels kept`
    case 'stopped':
      return isKept
        ? `${name}: verification interrupted, channels kept`
        : `${name}: verification interrupted: the daemon or the next vqtune apply finishes it`
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
