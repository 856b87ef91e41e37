/** `vqtune trial`: measures channel counts in turn, reports the best, and restores all settings. */

import { loadSettings } from '../config/load'
import type { Settings } from '../config/settings'
import { untilNobodyWatches } from '../confirm/unconfirmed'
import { EXIT, fileErrorInWords, VqtuneError } from '../errors'
import type { ObservedGuest, ObservedNic } from '../model'
import { describeApply, describeOutcome } from '../output/apply'
import { JSON_VERSION, printJson } from '../output/json'
import { trialJson, trialText } from '../output/trial'
import { findNic } from '../planner/find-nic'
import { observeGuest } from '../planner/observe'
import { applyOperation, observeAll } from '../planner/operations'
import { converge, exitCodeOf } from '../planner/reconcile'
import { operand } from '../text/escape'
import { dropInName, dropInText } from '../trial/drop-in'
import { type InterimAnalysis, planInterimAnalyses } from '../trial/interim-analysis'
import { runTrial } from '../trial/run'
import { type Metric, metricOf, type Run, samplesOf } from '../trial/samples'
import { defaultCounts } from '../trial/schedule'
import { roundsNeeded } from '../trial/statistics'
import { isSettled, judgeTrial, LEVEL, type Sample, type TrialVerdict } from '../trial/verdict'
import type { CommandContext } from './command'
import { numberOption } from './number-option'
import { reloadDaemon } from './reload-daemon'

export async function run(context: CommandContext): Promise<number> {
  const { system, options, positionals } = context
  const [named = '', ...command] = positionals
  const windowSeconds = numberOption(options, 'window', 5, 0.5, 600)
  if (options.progress === true && options.json !== true)
    throw new VqtuneError('usage', 'trial: --progress is for programs: only with --json')
  if (options.keep === true && context.configFile !== undefined) {
    throw new VqtuneError('usage', 'trial: --keep writes a drop-in, which --config would ignore')
  }
  const settings = await loadSettings(system, context.configFile)
  const { guest, nic } = await observeConfirmed(context, settings, named)
  const counts = chooseCounts(context, guest, nic)
  const analyses = chooseAnalyses(context, counts.length)
  if (!system.mayWrite) throw new VqtuneError('permission', 'trial sets channels: run it as root')
  const runs = await interruptible(context.signal, (signal) =>
    runTrial(system, settings, guest, nic, {
      counts,
      analyses,
      isConclusive: (runs, analysis) => isSettled(judge(runs, nic, command.length > 0, analysis).verdict),
      windowMs: windowSeconds * 1000,
      command,
      signal,
      onProgress: progressOf(context),
    }),
  )
  return conclude(context, nic, runs, command.length > 0, analyses)
}

/** The daemon may just have changed this NIC, and may still revert it. */
async function observeConfirmed(
  { system, signal }: CommandContext,
  settings: Settings,
  named: string,
): Promise<{ readonly guest: ObservedGuest; readonly nic: ObservedNic }> {
  const observe = async () => {
    const guest = await observeGuest(system, observeAll(settings))
    return { guest, nic: findNic(guest, named) }
  }
  const now = await observe()
  const hasWaited = await untilNobodyWatches(system, now.guest.bootId, now.nic.ifindex, signal)
  return hasWaited ? observe() : now
}

function chooseAnalyses(
  context: CommandContext,
  counts: number,
): readonly [InterimAnalysis, ...InterimAnalysis[]] {
  const tests = 2 * (counts - 1)
  const most = numberOption(context.options, 'rounds', Number.NaN, 1, 200)
  if (Number.isNaN(most)) return planInterimAnalyses(tests, LEVEL)
  if (!Number.isInteger(most)) throw new VqtuneError('usage', 'trial: --rounds must be a whole number')
  const needed = roundsNeeded(tests, LEVEL)
  if (most < needed) {
    context.warn(
      `${most} rounds are too few for a result with ${counts} counts: at least ${needed} are needed`,
    )
  }
  return planInterimAnalyses(tests, LEVEL, most)
}

function judge(
  runs: readonly Run[],
  nic: ObservedNic,
  isCommand: boolean,
  { level }: InterimAnalysis,
): { readonly metric: Metric; readonly samples: readonly Sample[]; readonly verdict: TrialVerdict } {
  const metric = metricOf(runs, isCommand)
  const samples = samplesOf(runs, metric)
  const verdict = judgeTrial(samples, nic.channels.current, metric === 'bytes', level)
  return { metric, samples, verdict }
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
      `${nic.name}: has ${current} channels, more than vCPUs; run vqtune apply first`,
    )
  }
  if (typeof text !== 'string' && most === 1) {
    throw new VqtuneError('unsupported', `${nic.name}: cannot have more than one channel: nothing to compare`)
  }
  if (typeof text !== 'string') return defaultCounts(most, current)
  const counts = text.split(',').map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 0))
  const wrong = counts.find((count) => count < 1 || count > most)
  if (wrong !== undefined) {
    throw new VqtuneError(
      'usage',
      `trial: --counts ${text}: must be numbers from 1 to ${most}, separated by commas`,
    )
  }
  const chosen = [...new Set([...counts, current])].sort((a, b) => a - b)
  if (chosen.length === 1)
    throw new VqtuneError(
      'usage',
      `trial: --counts ${text}: ${nic.name} already has this count, nothing to compare`,
    )
  return chosen
}

/**
 * Ends on SIGINT, SIGTERM and SIGHUP, however often they come: a second Ctrl-C must not interrupt the restore.
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
      throw new VqtuneError('not-converged', 'trial: interrupted, all settings are restored', {
        cause: error,
      })
    }
    throw error
  } finally {
    for (const name of signals) process.off(name, stop)
    outer.removeEventListener('abort', stop)
  }
}

function progressOf(context: CommandContext): (done: number, most: number, channels: number) => void {
  if (context.options.progress === true) {
    return (done, most, channels) =>
      // On one line, unlike the result.
      context.out(`${JSON.stringify({ version: JSON_VERSION, progress: { done, most, channels } })}\n`)
  }
  if (process.stderr.isTTY !== true) return () => {}
  return (done, most, channels) => context.warn(`${done + 1} of at most ${most}: ${channels} channels`)
}

async function conclude(
  context: CommandContext,
  nic: ObservedNic,
  runs: readonly Run[],
  isCommand: boolean,
  analyses: readonly [InterimAnalysis, ...InterimAnalysis[]],
): Promise<number> {
  const present = nic.channels.current
  const rounds = 1 + Math.max(...runs.map(({ round }) => round))
  const analysis = analyses.find((candidate) => candidate.rounds === rounds) ?? analyses[0]
  const { metric, samples, verdict } = judge(runs, nic, isCommand, analysis)
  const isJson = context.options.json === true
  if (!isJson) context.out(trialText(nic.name, present, samples, metric, verdict, analyses))
  const isChange = verdict.channels !== present
  const kept = isChange && context.options.keep === true ? writeDropIn(context, nic, verdict) : undefined
  if (isJson) context.out(printJson(trialJson(nic.name, present, runs, metric, verdict, analyses, kept)))
  else if (kept !== undefined) context.out(`wrote ${kept}\n`)
  else if (isChange) {
    context.out(
      `nothing was changed; vqtune trial --keep ${operand(nic.name)} would apply the best count, as would this in vqtune.toml:\n\n`,
    )
    context.out(dropInText(nic, verdict.channels, verdict.why))
  }
  if (kept === undefined) return EXIT.converged
  await reloadDaemon(context)
  return applyKept(context, await loadSettings(context.system), nic.name, isJson)
}

function writeDropIn({ system }: CommandContext, nic: ObservedNic, verdict: TrialVerdict): string {
  const path = `${system.paths.etcConfigDir}/${dropInName(nic.name)}`
  try {
    system.replaceFile(path, dropInText(nic, verdict.channels, verdict.why))
  } catch (error) {
    throw fileErrorInWords(error, path, 'cannot write')
  }
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
    context.system,
    applyOperation(context.system, settings, { nic, respectHolds: false }),
    {
      signal: context.signal,
      onOutcome: (outcome) => say(describeOutcome(outcome)),
    },
  )
  say(describeApply(result, nic).trimEnd())
  if (result.failure !== undefined) context.warn(result.failure.message)
  return exitCodeOf(result)
}
