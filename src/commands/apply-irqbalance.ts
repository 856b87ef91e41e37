/** irqbalance's part of apply and rollback: asked after the work, told in a line, never a reason to fail. */
import type { Settings } from '../config/settings'
import { appendHistory } from '../drift/history'
import { requestRecords } from '../drift/request-record'
import { messageOf } from '../errors'
import { type Asked, askIrqbalance, releaseInterrupts } from '../irqbalance/ask'
import { describeAsked, describeReleased } from '../irqbalance/state'
import { irqsOf, type NicInterrupts, wantedInterrupts } from '../irqbalance/wanted'
import type { ObservedGuest } from '../model'
import { readLedger } from '../planner/ledger'
import { exemptionsOf } from '../planner/operations'
import { planGuest } from '../planner/plan'
import type { CommandContext } from './command'

/** Asks it to leave alone what vqtune places. @param guest as apply left it */
export async function askAfterApply(
  context: CommandContext,
  settings: Settings,
  guest: ObservedGuest,
  signal: AbortSignal | undefined,
): Promise<Asked> {
  const ledger = readLedger(context.system, guest.bootId)
  const plans = planGuest(guest, settings, exemptionsOf(guest, ledger, { respectHolds: true }))
  const asked = await askIrqbalance(context.system, wantedInterrupts(plans), { signal })
  return told(context, asked, settings.daemon.historySizeKib)
}

/** @param nics undefined: all */
export async function giveBack(
  context: CommandContext,
  nics: readonly Pick<NicInterrupts, 'virtio' | 'ifindex'>[] | undefined,
  historySizeKib: number,
): Promise<Asked> {
  return told(context, await releaseInterrupts(context.system, nics), historySizeKib)
}

function told(context: CommandContext, asked: Asked, historySizeKib: number): Asked {
  const { system, options } = context
  const { added, released, problem } = asked
  if (options.json !== true) {
    if (added.length > 0) context.out(`${describeAsked(irqsOf(asked.nics).length)}\n`)
    else if (released.length > 0) context.out(`${describeReleased(released.length)}\n`)
  }
  if (problem !== undefined) context.warn(problem)
  // At boot the state directory may not be there yet.
  if (options.boot === true) return asked
  try {
    for (const record of requestRecords(asked, new Date().toISOString())) {
      appendHistory(system, record, historySizeKib)
    }
  } catch (error) {
    context.warn(messageOf(error))
  }
  return asked
}
