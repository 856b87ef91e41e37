/** One measurement: live traffic for a while, or a command from start to end. */
import { setTimeout as sleep } from 'node:timers/promises'
import { VqtuneError } from '../errors'
import { type Counters, growth, readCounters, SETTLE_MS, TICKS_PER_SECOND } from '../kernel/counters'
import type { System } from '../system/system'

/** The difference between two readings. */
export interface Measured {
  readonly seconds: number
  readonly bytes: number
  readonly packets: number
  /** Busy time of all vCPUs. */
  readonly cpuSeconds: number
}

/** Counters that decreased count as 0. Pure. */
export function difference(from: Counters, to: Counters): Measured {
  const grown = (key: keyof Counters['nic']): number => growth(from.nic[key], to.nic[key]) ?? 0
  return {
    seconds: (to.atMs - from.atMs) / 1000,
    bytes: grown('rxBytes') + grown('txBytes'),
    packets: grown('rxPackets') + grown('txPackets'),
    cpuSeconds: (growth(from.cpu.busy, to.cpu.busy) ?? 0) / TICKS_PER_SECOND,
  }
}

/** @throws AbortError; VqtuneError kind vanished */
export async function measureTraffic(
  system: System,
  nic: string,
  windowMs: number,
  signal: AbortSignal,
): Promise<Measured> {
  await sleep(Math.min(SETTLE_MS, windowMs / 2), undefined, { signal })
  const from = readCounters(system, nic)
  await sleep(windowMs, undefined, { signal })
  return difference(from, readCounters(system, nic))
}

/** One run must not block the NIC for ever. */
const COMMAND_LIMIT_MS = 600_000

/**
 * Runs the user's own command, with the user's environment, without a shell; its output is dropped.
 * @throws VqtuneError kind tool-failed if it does not exit with 0, with its last line on standard error
 */
export async function measureCommand(
  system: System,
  nic: string,
  command: readonly string[],
  signal: AbortSignal,
): Promise<Measured> {
  // Loaded here: only this needs it.
  const { execa } = await import('execa')
  const [file = '', ...args] = command
  const from = readCounters(system, nic)
  const ended = system.trace?.run(command)
  const result = await execa(file, args, {
    stdin: 'ignore',
    stdout: 'ignore',
    reject: false,
    timeout: COMMAND_LIMIT_MS,
    cancelSignal: signal,
    forceKillAfterDelay: 2_000,
    maxBuffer: 1024 * 1024,
  })
  ended?.(result.exitCode ?? (result.signal === undefined ? result.shortMessage : `signal ${result.signal}`))
  signal.throwIfAborted()
  if (result.failed) {
    const complaint = result.stderr?.trim().split('\n').at(-1) || result.shortMessage || 'failed'
    throw new VqtuneError('tool-failed', `${file}: ${complaint.slice(0, 300)}`)
  }
  return difference(from, readCounters(system, nic))
}
