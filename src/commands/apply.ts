/** `vqtune apply`: one reconcile. On the boot path, so only what a converged run needs is loaded here. */
import { loadSettings } from '../config/load'
import type { Settings } from '../config/settings'
import type { Baselines, ConnectivityLoss } from '../confirm/confirm'
import { EXIT, VqtuneError } from '../errors'
import { describeApply, describeOutcome } from '../output/describe-apply'
import { applyOperation } from '../planner/operations'
import { type Convergence, converge, exitCodeOf } from '../planner/reconcile'
import type { System } from '../system/system'
import type { CommandContext } from './command'
import { resolveNicArgument } from './nic-argument'

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
  const operation = applyOperation(system, settings, { nic, respectHolds })
  const before: Baselines = new Map()
  const result = await converge(system, operation, {
    signal: context.signal,
    ...limits,
    ...(settings.guard.commitConfirmSeconds === 0
      ? {}
      : {
          beforeChannels: async (nics) =>
            (await import('../confirm/confirm')).recordBaseline(system, before, nics, boot),
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
  if (boot && context.configFile === undefined) await record(system, result)
  // Most runs change no channels and need none of this code.
  const losses = before.size === 0 ? [] : await confirmed(context, settings, before, result, limits)
  // The JSON output includes the reverts.
  if (json) await report(context, result, undefined, losses)
  return losses.length > 0 ? EXIT.error : exitCodeOf(result)
}

async function confirmed(
  context: CommandContext,
  settings: Settings,
  before: Baselines,
  { guest }: Convergence,
  { signal }: Limits,
): Promise<readonly ConnectivityLoss[]> {
  const { confirmApply } = await import('./apply-confirm')
  return confirmApply(context, settings, before, guest, signal)
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
): Promise<void> {
  if (text === undefined) {
    const { convergenceJson, printJson } = await import('../output/json')
    context.out(printJson(convergenceJson(result, losses)))
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
