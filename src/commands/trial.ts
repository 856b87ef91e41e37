/** `vqtune trial`: measures settings in turn, reports the best, and restores all. */

import { loadSettings } from '../config/load'
import type { Settings } from '../config/settings'
import { untilNobodyWatches } from '../confirm/unconfirmed'
import { EXIT, fileErrorInWords, VqtuneError } from '../errors'
import type { ObservedGuest, ObservedNic } from '../model'
import { describeApply, describeOutcome } from '../output/apply'
import { printJson } from '../output/json'
import { progressJson, progressText, trialJson, trialText } from '../output/trial'
import { findNic } from '../planner/find-nic'
import { observeGuest } from '../planner/observe'
import { applyOperation, observeAll } from '../planner/operations'
import { converge, exitCodeOf } from '../planner/reconcile'
import { plural } from '../text/plural'
import { type Arm, isSameArm } from '../trial/arm'
import { dropInName, dropInText } from '../trial/drop-in'
import { armsOf, CHANNELS, parseFactors, switchesToObserve } from '../trial/factors'
import { type InterimAnalysis, planInterimAnalyses } from '../trial/interim-analysis'
import { findProbe, type Probe } from '../trial/latency'
import { runTrial, type TrialProgress } from '../trial/run'
import { type Metric, metricOf, type Run, samplesOf } from '../trial/samples'
import { defaultCounts, fewCounts } from '../trial/schedule'
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
  const varied = variedFactors(context)
  const { guest, nic } = await observeConfirmed(context, settings, named, varied)
  const probe = await chooseProbe(context, nic)
  const { present, all } = armsOf(guest, settings, nic, varied, chooseCounts(context, guest, nic, varied))
  const analyses = chooseAnalyses(context, all.length)
  if (!system.mayWrite) throw new VqtuneError('permission', 'trial sets channels: run it as root')
  const rate = (runs: readonly Run[], analysis: InterimAnalysis) =>
    judge(runs, present, command.length > 0, analysis, options['any-latency'] === true)
  const runs = await interruptible(context.signal, (signal) =>
    runTrial(system, settings, guest, nic, {
      arms: all,
      analyses,
      isConclusive: (runs, analysis) => isSettled(rate(runs, analysis).verdict),
      windowMs: windowSeconds * 1000,
      probe: probe.target,
      command,
      signal,
      onProgress: progressOf(context),
    }),
  )
  return conclude(context, { nic, present, varied, probe, rate }, runs, analyses)
}

async function chooseProbe({ system, options }: CommandContext, { name }: ObservedNic): Promise<Probe> {
  if (options.probe === 'off') return { target: undefined, why: '--probe off' }
  return findProbe(system, name, typeof options.probe === 'string' ? options.probe : undefined)
}

/** The daemon may just have changed this NIC, and may still revert it. */
async function observeConfirmed(
  { system, signal }: CommandContext,
  settings: Settings,
  named: string,
  varied: readonly string[],
): Promise<{ readonly guest: ObservedGuest; readonly nic: ObservedNic }> {
  const asked = { match: {}, settings: { switches: switchesToObserve(varied) }, source: 'trial' }
  const observe = async () => {
    const guest = await observeGuest(system, observeAll(system, { rules: [...settings.rules, asked] }))
    return { guest, nic: findNic(guest, named) }
  }
  const now = await observe()
  const hasWaited = await untilNobodyWatches(system, now.guest.bootId, now.nic.ifindex, signal)
  return hasWaited ? observe() : now
}

function chooseAnalyses(
  context: CommandContext,
  arms: number,
): readonly [InterimAnalysis, ...InterimAnalysis[]] {
  const tests = 2 * (arms - 1)
  const most = numberOption(context.options, 'rounds', Number.NaN, 1, 200)
  if (Number.isNaN(most)) return planInterimAnalyses(tests, LEVEL)
  if (!Number.isInteger(most)) throw new VqtuneError('usage', 'trial: --rounds must be a whole number')
  const needed = roundsNeeded(tests, LEVEL)
  if (most < needed) {
    context.warn(
      `${plural(most, 'round')}: too few for a result with ${arms} combinations, at least ${needed} are needed`,
    )
  }
  return planInterimAnalyses(tests, LEVEL, most)
}

interface Judged {
  readonly metric: Metric
  readonly samples: readonly Sample[]
  readonly verdict: TrialVerdict
}

function judge(
  runs: readonly Run[],
  present: Arm,
  isCommand: boolean,
  { level }: InterimAnalysis,
  anyLatency: boolean,
): Judged {
  const metric = metricOf(runs, isCommand)
  const samples = samplesOf(runs, metric)
  const verdict = judgeTrial(samples, present, metric === 'bytes', level, anyLatency)
  return { metric, samples, verdict }
}

function variedFactors({ options: { vary, counts } }: CommandContext): readonly string[] {
  const varied = parseFactors(typeof vary === 'string' ? vary : CHANNELS)
  if (counts !== undefined && !varied.includes(CHANNELS)) {
    throw new VqtuneError('usage', `trial: --counts needs ${CHANNELS} in --vary`)
  }
  return varied
}

function chooseCounts(
  context: CommandContext,
  guest: ObservedGuest,
  nic: ObservedNic,
  varied: readonly string[],
): readonly number[] {
  const { current, maximum = current } = nic.channels
  const most = Math.min(maximum, guest.cpus.online.length)
  const text = context.options.counts
  const isVaried = varied.includes(CHANNELS)
  if (isVaried && nic.obstacle !== undefined) {
    throw new VqtuneError('unsupported', `${nic.name}: channels cannot be changed: ${nic.obstacle.why}`)
  }
  if (current > most) {
    throw new VqtuneError(
      'unsupported',
      `${nic.name}: has ${current} channels, more than vCPUs; run vqtune apply first`,
    )
  }
  if (!isVaried) return [current]
  if (typeof text !== 'string' && most === 1) {
    throw new VqtuneError('unsupported', `${nic.name}: cannot have more than one channel: nothing to compare`)
  }
  // Several factors make many combinations.
  if (typeof text !== 'string')
    return varied.length === 1 ? defaultCounts(most, current) : fewCounts(most, current)
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

function progressOf(context: CommandContext): (progress: TrialProgress) => void {
  if (context.options.progress === true) return (progress) => context.out(progressJson(progress))
  if (process.stderr.isTTY !== true) return () => {}
  return (progress) => context.warn(progressText(progress))
}

/** What was tried, and what the NIC had. */
interface Tried {
  readonly nic: ObservedNic
  readonly present: Arm
  readonly varied: readonly string[]
  readonly probe: Probe
  readonly rate: (runs: readonly Run[], analysis: InterimAnalysis) => Judged
}

async function conclude(
  context: CommandContext,
  tried: Tried,
  runs: readonly Run[],
  analyses: readonly [InterimAnalysis, ...InterimAnalysis[]],
): Promise<number> {
  const { nic, present, varied, probe, rate } = tried
  const rounds = 1 + Math.max(...runs.map(({ round }) => round))
  const analysis = analyses.find((candidate) => candidate.rounds === rounds) ?? analyses[0]
  const { metric, samples, verdict } = rate(runs, analysis)
  const isJson = context.options.json === true
  if (!isJson) context.out(trialText(nic.name, present, samples, metric, verdict, analyses, probe))
  const isChange = !isSameArm(verdict.arm, present)
  const kept = isChange && context.options.keep === true ? writeDropIn(context, tried, verdict) : undefined
  if (isJson)
    context.out(printJson(trialJson(nic.name, present, runs, metric, verdict, analyses, probe, kept)))
  else if (kept !== undefined) context.out(`wrote ${kept}\n`)
  else if (isChange) {
    context.out(
      `nothing was changed; with --keep, trial writes this to ${context.system.paths.etcConfigDir} and applies it:\n\n`,
    )
    context.out(dropInText(nic, verdict.arm, varied, verdict.why))
  }
  if (kept === undefined) return EXIT.converged
  await reloadDaemon(context)
  return applyKept(context, await loadSettings(context.system), nic.name, isJson)
}

function writeDropIn({ system }: CommandContext, { nic, varied }: Tried, verdict: TrialVerdict): string {
  const path = `${system.paths.etcConfigDir}/${dropInName(nic.name)}`
  try {
    system.replaceFile(path, dropInText(nic, verdict.arm, varied, verdict.why))
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
