/** `vqtune trial`: tries channel counts in turn, says which is best, and puts everything back. */
import { loadSettings } from '../config/load'
import type { Settings } from '../config/settings'
import { EXIT, VqtuneError } from '../errors'
import { findNic, LOOK_AT_ALL, tuneGoal } from '../goals'
import type { ObservedGuest, ObservedNic } from '../model'
import { observeGuest } from '../observe'
import { describeApply, describeOutcome } from '../output/describe-apply'
import { printJson } from '../output/json'
import { converge, exitCodeOf } from '../reconcile'
import { dropInName, dropInText } from '../trial/drop-in'
import { trialJson, trialText } from '../trial/present'
import { runTrial } from '../trial/run'
import { type Run, samplesOf, yardstickOf } from '../trial/samples'
import { defaultCounts } from '../trial/schedule'
import { roundsNeeded } from '../trial/statistics'
import { judgeTrial, LEVEL, type TrialVerdict } from '../trial/verdict'
import type { CommandContext } from './command'
import { numberOption } from './number-option'

export async function run(context: CommandContext): Promise<number> {
  const { host, options, positionals } = context
  const [named = '', ...command] = positionals
  const windowSeconds = numberOption(options, 'window', 5, 0.5, 600)
  if (options.keep === true && context.configFile !== undefined) {
    throw new VqtuneError('usage', 'trial: --keep writes a drop-in, which is not read with --config')
  }
  const settings = await loadSettings(host, context.configFile)
  const guest = await observeGuest(host, LOOK_AT_ALL)
  const nic = findNic(guest, named)
  const counts = chooseCounts(context, guest, nic)
  const needed = roundsNeeded(2 * (counts.length - 1), LEVEL)
  const rounds = numberOption(options, 'rounds', needed, 1, 200)
  if (!Number.isInteger(rounds)) throw new VqtuneError('usage', 'trial: --rounds takes a whole number')
  if (!host.mayWrite) throw new VqtuneError('permission', 'trial sets channels: run it as root')
  if (rounds < needed) {
    context.warn(`${rounds} rounds cannot prove anything about ${counts.length} counts: ${needed} can`)
  }
  const runs = await interruptible(context.signal, (signal) =>
    runTrial(host, settings, guest, nic, {
      counts,
      rounds,
      windowMs: windowSeconds * 1000,
      command,
      signal,
      onProgress: progressOf(context),
    }),
  )
  return conclude(context, nic, runs, command.length > 0)
}

function chooseCounts(context: CommandContext, guest: ObservedGuest, nic: ObservedNic): readonly number[] {
  const { current, maximum = current } = nic.channels
  const most = Math.min(maximum, guest.cpus.online.length)
  const text = context.options.counts
  if (nic.obstacle !== undefined) {
    throw new VqtuneError('unsupported', `${nic.name}: channels cannot be changed: ${nic.obstacle.why}`)
  }
  if (current > most) {
    throw new VqtuneError(
      'unsupported',
      `${nic.name}: has ${current} channels, more than vCPUs: run vqtune apply`,
    )
  }
  if (typeof text !== 'string' && most === 1) {
    throw new VqtuneError('unsupported', `${nic.name}: one channel is all it can have: nothing to compare`)
  }
  if (typeof text !== 'string') return defaultCounts(most, current)
  const counts = text.split(',').map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 0))
  const wrong = counts.find((count) => count < 1 || count > most)
  if (wrong !== undefined) {
    throw new VqtuneError('usage', `trial: --counts ${text}: allowed is 1 to ${most}, separated by commas`)
  }
  const chosen = [...new Set([...counts, current])].sort((a, b) => a - b)
  if (chosen.length === 1) throw new VqtuneError('usage', `trial: --counts ${text}: is what ${nic.name} has`)
  return chosen
}

/**
 * Ends on SIGINT, SIGTERM and SIGHUP, as often as they come: a second Ctrl-C must not cut off the restoring.
 * @throws VqtuneError kind not-converged after a signal
 */
async function interruptible<T>(outer: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const stop = (): void => controller.abort()
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of signals) process.on(name, stop)
  outer.addEventListener('abort', stop)
  if (outer.aborted) stop()
  try {
    return await work(controller.signal)
  } catch (error) {
    if (controller.signal.aborted && !(error instanceof VqtuneError)) {
      throw new VqtuneError('not-converged', 'trial: stopped by a signal, everything is as before', {
        cause: error,
      })
    }
    throw error
  } finally {
    for (const name of signals) process.off(name, stop)
    outer.removeEventListener('abort', stop)
  }
}

function progressOf(context: CommandContext): (done: number, all: number, channels: number) => void {
  if (process.stderr.isTTY !== true) return () => {}
  return (done, all, channels) => context.warn(`${done + 1} of ${all}: ${channels} channels`)
}

async function conclude(
  context: CommandContext,
  nic: ObservedNic,
  runs: readonly Run[],
  isCommand: boolean,
): Promise<number> {
  const present = nic.channels.current
  const yardstick = yardstickOf(runs, isCommand)
  const samples = samplesOf(runs, yardstick)
  const verdict = judgeTrial(samples, present, yardstick === 'bytes')
  const isJson = context.options.json === true
  if (!isJson) context.out(trialText(nic.name, present, samples, yardstick, verdict))
  const isChange = verdict.channels !== present
  const kept = isChange && context.options.keep === true ? writeDropIn(context, nic, verdict) : undefined
  if (isJson) context.out(printJson(trialJson(nic.name, present, runs, yardstick, verdict, kept)))
  else if (kept !== undefined) context.out(`wrote ${kept}\n`)
  else if (isChange) {
    context.out(`nothing was changed; vqtune trial ${nic.name} --keep would keep it, or in vqtune.toml:\n\n`)
    context.out(dropInText(nic, verdict.channels, verdict.why))
  }
  if (kept === undefined) return EXIT.converged
  return applyKept(context, await loadSettings(context.host), nic.name, isJson)
}

function writeDropIn({ host }: CommandContext, nic: ObservedNic, verdict: TrialVerdict): string {
  const path = `${host.paths.etcConfigDir}/${dropInName(nic.name)}`
  host.replaceFile(path, dropInText(nic, verdict.channels, verdict.why))
  return path
}

async function applyKept(
  context: CommandContext,
  settings: Settings,
  nic: string,
  isQuiet: boolean,
): Promise<number> {
  const say = (line: string): void => {
    if (!isQuiet) context.out(`${line}\n`)
  }
  const result = await converge(
    context.host,
    tuneGoal(context.host, settings, { nic, respectHolds: false }),
    {
      signal: context.signal,
      onOutcome: (outcome) => say(describeOutcome(outcome)),
    },
  )
  say(describeApply(result, nic).trimEnd())
  if (result.failure !== undefined) context.warn(result.failure.message)
  return exitCodeOf(result)
}
