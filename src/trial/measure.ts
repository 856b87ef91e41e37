/** One measurement: live traffic for a while, or a command from start to end. */
import { setTimeout as sleep } from 'node:timers/promises'
import { VqtuneError } from '../errors'
import { type Counters, readCounters, TICKS_PER_SECOND } from '../kernel/counters'
import type { System } from '../system/system'

/** The difference between two readings. */
export interface Measured {
  readonly seconds: number
  readonly bytes: number
  readonly packets: number
  /** Busy time of all vCPUs. */
  readonly cpuSeconds: number
}

/** Counters are 64 bits wide in the kernel and only reset with the NIC; a decrease counts as 0. Pure. */
export function difference(from: Counters, to: Counters): Measured {
  const grown = (key: keyof Counters['nic']): number => Math.max(0, to.nic[key] - from.nic[key])
  return {
    seconds: (to.atMs - from.atMs) / 1000,
    bytes: grown('rxBytes') + grown('txBytes'),
    packets: grown('rxPackets') + grown('txPackets'),
    cpuSeconds: Math.max(0, to.cpu.busy - from.cpu.busy) / TICKS_PER_SECOND,
  }
}

/** Not measured: flows are moving to their new queues and congestion windows recover. */
const SETTLE_MS = 1_000

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
  const result = await execa(file, args, {
    stdin: 'ignore',
    stdout: 'ignore',
    reject: false,
    timeout: COMMAND_LIMIT_MS,
    cancelSignal: signal,
    forceKillAfterDelay: 2_000,
    maxBuffer: 1024 * 1024,
  })
  signal.throwIfAborted()
  if (result.failed) {
    const complaint = result.stderr?.trim().split('\n').at(-1) || result.shortMessage || 'failed'
    throw new VqtuneError('tool-failed', `${file}: ${complaint.slice(0, 300)}`)
  }
  return difference(from, readCounters(system, nic))
}
