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
import { type Look, planLooks } from '../trial/looks'
import { trialJson, trialText } from '../trial/present'
import { runTrial } from '../trial/run'
import { type Run, samplesOf, type Yardstick, yardstickOf } from '../trial/samples'
import { defaultCounts } from '../trial/schedule'
import { roundsNeeded } from '../trial/statistics'
import { isSettled, judgeTrial, LEVEL, type Sample, type TrialVerdict } from '../trial/verdict'
import { operand } from '../untrusted'
import type { CommandContext } from './command'
import { numberOption } from './number-option'

const DAEMON_UNIT = 'vqtuned.service'

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
  const looks = chooseLooks(context, counts.length)
  if (!host.mayWrite) throw new VqtuneError('permission', 'trial sets channels: run it as root')
  const runs = await interruptible(context.signal, (signal) =>
    runTrial(host, settings, guest, nic, {
      counts,
      looks,
      isEnough: (runs, look) => isSettled(judge(runs, nic, command.length > 0, look).verdict),
      windowMs: windowSeconds * 1000,
      command,
      signal,
      onProgress: progressOf(context),
    }),
  )
  return conclude(context, nic, runs, command.length > 0, looks)
}

function chooseLooks(context: CommandContext, counts: number): readonly [Look, ...Look[]] {
  const tests = 2 * (counts - 1)
  const most = numberOption(context.options, 'rounds', Number.NaN, 1, 200)
  if (Number.isNaN(most)) return planLooks(tests, LEVEL)
  if (!Number.isInteger(most)) throw new VqtuneError('usage', 'trial: --rounds takes a whole number')
  const needed = roundsNeeded(tests, LEVEL)
  if (most < needed) {
    context.warn(`${most} rounds cannot prove anything about ${counts} counts: ${needed} can`)
  }
  return planLooks(tests, LEVEL, most)
}

function judge(
  runs: readonly Run[],
  nic: ObservedNic,
  isCommand: boolean,
  { level }: Look,
): { readonly yardstick: Yardstick; readonly samples: readonly Sample[]; readonly verdict: TrialVerdict } {
  const yardstick = yardstickOf(runs, isCommand)
  const samples = samplesOf(runs, yardstick)
  const verdict = judgeTrial(samples, nic.channels.current, yardstick === 'bytes', level)
  return { yardstick, samples, verdict }
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

function progressOf(context: CommandContext): (done: number, most: number, channels: number) => void {
  if (process.stderr.isTTY !== true) return () => {}
  return (done, most, channels) => context.warn(`${done + 1} of at most ${most}: ${channels} channels`)
}

async function conclude(
  context: CommandContext,
  nic: ObservedNic,
  runs: readonly Run[],
  isCommand: boolean,
  looks: readonly [Look, ...Look[]],
): Promise<number> {
  const present = nic.channels.current
  const rounds = 1 + Math.max(...runs.map(({ round }) => round))
  const look = looks.find((candidate) => candidate.rounds === rounds) ?? looks[0]
  const { yardstick, samples, verdict } = judge(runs, nic, isCommand, look)
  const isJson = context.options.json === true
  if (!isJson) context.out(trialText(nic.name, present, samples, yardstick, verdict, looks))
  const isChange = verdict.channels !== present
  const kept = isChange && context.options.keep === true ? writeDropIn(context, nic, verdict) : undefined
  if (isJson) context.out(printJson(trialJson(nic.name, present, runs, yardstick, verdict, looks, kept)))
  else if (kept !== undefined) context.out(`wrote ${kept}\n`)
  else if (isChange) {
    context.out(
      `nothing was changed; vqtune trial --keep ${operand(nic.name)} would keep it, or in vqtune.toml:\n\n`,
    )
    context.out(dropInText(nic, verdict.channels, verdict.why))
  }
  if (kept === undefined) return EXIT.converged
  await reloadDaemon(context)
  return applyKept(context, await loadSettings(context.host), nic.name, isJson)
}

function writeDropIn({ host }: CommandContext, nic: ObservedNic, verdict: TrialVerdict): string {
  const path = `${host.paths.etcConfigDir}/${dropInName(nic.name)}`
  host.replaceFile(path, dropInText(nic, verdict.channels, verdict.why))
  return path
}

/** A daemon that runs has the configuration of before in memory, and would set the old channels again. */
async function reloadDaemon(context: CommandContext): Promise<void> {
  const { host } = context
  if (host.findTool('systemctl') === undefined) return
  try {
    const { code, stderr } = await host.run('systemctl', ['try-reload-or-restart', DAEMON_UNIT])
    // 5: no such unit; 1 with these words: another init.
    if (code === 0 || code === 5 || stderr.includes('not been booted with systemd')) return
  } catch (error) {
    // The drop-in is written: a systemd that hangs must not keep the winner from being applied.
    if (!(error instanceof VqtuneError)) throw error
  }
  context.warn(`${DAEMON_UNIT} could not be told: systemctl reload ${DAEMON_UNIT}`)
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
