/** `vqtune apply`: one reconcile. On the boot path, so only what a converged run needs is loaded here. */
import { loadSettings } from '../config/load'
import type { Settings } from '../config/settings'
import type { ConnectivityLoss } from '../confirm/revert'
import type { UnconfirmedChanges } from '../confirm/unconfirmed'
import { EXIT, VqtuneError } from '../errors'
import type { Asked } from '../irqbalance/ask'
import { requestPath } from '../irqbalance/record'
import { readBootId } from '../kernel/boot-id'
import { isNamedByUdev } from '../kernel/pending-nics'
import type { ObservedGuest } from '../model'
import { describeApply, describeOutcome } from '../output/apply'
import { readLedger } from '../planner/ledger'
import { type ApplyOptions, applyOperation } from '../planner/operations'
import type { Exemptions } from '../planner/plan'
import { type Convergence, converge, exitCodeOf } from '../planner/reconcile'
import type { System } from '../system/system'
import type { CommandContext } from './command'
import { resolveNicArgument } from './nic-argument'

const BOOT_SECONDS = 1

export async function run(context: CommandContext): Promise<number> {
  const settings = await loadSettings(context.system, context.configFile)
  return context.options.boot === true ? applyAtBoot(context, settings) : apply(context, settings, {})
}

interface Limits {
  readonly signal?: AbortSignal
  readonly lockWaitMs?: number
}

async function apply(context: CommandContext, settings: Settings, limits: Limits): Promise<number> {
  const { system, options } = context
  const nic = await resolveNicArgument(context)
  const boot = options.boot === true
  const respectHolds = boot || options.unattended === true
  const json = options.json === true
  const reverted = await finishAbandoned(context, settings, limits)
  // What has just cut a NIC off is not set once more, also if it is asked for.
  const exemptions: Exemptions = new Map(
    reverted.map(({ nic, why }) => [nic, { code: 'held', why: `just reverted: ${why}` } as const]),
  )
  const operation = applyOperation(system, settings, {
    ...{ nic, respectHolds },
    exemptions: (guest) =>
      respectHolds && !boot ? new Map([...unnamedNics(system, guest), ...exemptions]) : exemptions,
    ...(await suspended(system, settings)),
  })
  let changes: UnconfirmedChanges | undefined
  const result = await converge(system, operation, {
    signal: context.signal,
    ...limits,
    ...(settings.guard.commitConfirmSeconds === 0
      ? {}
      : {
          beforeChannels: async (nics) => {
            changes ??= await newChanges(system, settings, boot)
            return changes.observe(nics)
          },
        }),
    onOutcome: (outcome) => {
      if (!json) context.out(`${describeOutcome(outcome)}\n`)
    },
  })
  if (!json) await report(context, result, describeApply(result, nic))
  // Even if nothing had to be set this time: the unit cannot do its job.
  if (boot && isWithoutEthtool(system, result)) {
    context.warn('ethtool is not installed: channels cannot be read or set')
    if (json) await report(context, result, undefined)
    return EXIT.error
  }
  const asked = await ask(context, settings, result, limits)
  if (boot && context.configFile === undefined) await record(system, result)
  // Most runs change no channels and need none of this code.
  const losses = [
    ...reverted,
    ...(changes === undefined ? [] : await confirmed(context, settings, result, limits)),
  ]
  // What was reverted is held, and so is irqbalance's again.
  const agreed = losses.length === 0 ? asked : await ask(context, settings, result, limits)
  // The JSON output includes the reverts.
  if (json) await report(context, result, undefined, losses, agreed)
  return losses.length > 0 ? EXIT.error : exitCodeOf(result)
}

/** Most guests that boot run no irqbalance yet, and need none of this code. */
async function ask(
  context: CommandContext,
  settings: Settings,
  { guest }: Convergence,
  { signal }: Limits,
): Promise<Asked | undefined> {
  const { system } = context
  const isConcerned = [system.paths.runIrqbalance, requestPath(system)].some((path) => system.exists(path))
  if (!system.mayWrite || !isConcerned) return undefined
  return (await import('./apply-irqbalance')).askAfterApply(context, settings, guest, signal)
}

async function confirmed(
  context: CommandContext,
  settings: Settings,
  result: Convergence,
  { signal }: Limits,
): Promise<readonly ConnectivityLoss[]> {
  const { confirmApply } = await import('./apply-confirm')
  return confirmApply(context, settings, result, signal)
}

async function newChanges(system: System, { guard }: Settings, isBoot: boolean): Promise<UnconfirmedChanges> {
  const { UnconfirmedChanges } = await import('../confirm/unconfirmed')
  const { commitConfirmSeconds } = guard
  if (!isBoot) return new UnconfirmedChanges(system, commitConfirmSeconds)
  return new UnconfirmedChanges(system, Math.min(BOOT_SECONDS, commitConfirmSeconds), true)
}

/** What the daemon has suspended; nothing is loaded where it has never run. */
async function suspended(system: System, settings: Settings): Promise<Pick<ApplyOptions, 'suspended'>> {
  if (!system.exists(`${system.paths.runDir}/daemon.json`)) return {}
  const { suspensionsOf } = await import('../daemon/suspensions')
  return { suspended: (guest) => suspensionsOf(system, settings, guest) }
}

/** udev asks for another run once it has named them; the boot unit has waited for them. */
function unnamedNics(system: System, { nics }: ObservedGuest): Exemptions {
  const unnamed = nics.filter(({ ifindex }) => !isNamedByUdev(system, ifindex))
  return new Map(
    unnamed.map(({ name }) => [name, { code: 'unnamed', why: 'udev has not processed the interface yet' }]),
  )
}

/** Ends changes of channels that a vqtune which was killed has left unconfirmed. */
async function finishAbandoned(
  context: CommandContext,
  settings: Settings,
  { signal }: Limits,
): Promise<readonly ConnectivityLoss[]> {
  const { system } = context
  const bootId = readBootId(system)
  const isNone = readLedger(system, bootId).entries.every(({ unconfirmed }) => unconfirmed === undefined)
  if (isNone || !system.mayWrite) return []
  const { confirmAbandoned } = await import('./apply-confirm')
  return confirmAbandoned(context, settings, bootId, signal)
}

/** What the boot left as it was, so that the next boot that is like this one need not start vqtune. */
async function record(system: System, { failure, outcomes }: Convergence): Promise<void> {
  if (failure !== undefined || outcomes.length > 0) return
  const { recordBoot } = await import('../planner/boot-record')
  await recordBoot(system, (settings) => applyOperation(system, settings, { respectHolds: true }))
}

function isWithoutEthtool(system: System, { guest, failure }: Convergence): boolean {
  return failure === undefined && guest.nics.length > 0 && system.findTool('ethtool') === undefined
}

/** Prints the end of apply or rollback: text, or JSON when there is none. */
export async function report(
  context: CommandContext,
  result: Convergence,
  text: string | undefined,
  losses: readonly ConnectivityLoss[] = [],
  asked?: Asked,
): Promise<void> {
  if (text === undefined) {
    const { convergenceJson, printJson } = await import('../output/json')
    context.out(printJson(convergenceJson(result, losses, asked)))
  } else {
    context.out(text)
  }
  for (const note of result.notes) context.warn(note)
  if (result.failure !== undefined) context.warn(result.failure.message)
}

/** Waits for NICs, then applies; ends within [boot] limit-ms in any case, so that booting goes on. */
async function applyAtBoot(context: CommandContext, settings: Settings): Promise<number> {
  const { system } = context
  const { insideContainer, waitForNics } = await import('./wait-for-nics')
  if (insideContainer(system)) {
    context.out('nothing to do in a container: its NICs belong to the system that runs it\n')
    return EXIT.converged
  }
  const { limitMs, waitMs } = settings.boot
  const started = performance.now()
  const limit = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      limit.abort()
      reject(new VqtuneError('timeout', `timed out after ${limitMs} ms (boot.limit-ms); booting continues`))
    }, limitMs)
  })
  const work = async (): Promise<number> => {
    const pending = await waitForNics(system, Math.min(waitMs, limitMs), limit.signal)
    for (const { name, why } of pending) context.warn(`no longer waiting for ${name}: ${why}`)
    const lockWaitMs = Math.max(0, Math.floor(limitMs - (performance.now() - started)))
    return apply(context, settings, { signal: limit.signal, lockWaitMs })
  }
  try {
    return await Promise.race([work(), late])
  } finally {
    clearTimeout(timer)
  }
}
