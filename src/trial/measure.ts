/** One measurement: live traffic for a while, or a command from start to end. */
import { setTimeout as sleep } from 'node:timers/promises'
import { VqtuneError } from '../errors'
import { type Counters, growth, readCounters, SETTLE_MS, TICKS_PER_SECOND } from '../kernel/counters'
import type { System } from '../system/system'
import { Pings, type Requests } from './latency'

/** The difference between two readings. */
export interface Measured {
  readonly seconds: number
  readonly bytes: number
  readonly packets: number
  /** Busy time of all vCPUs. */
  readonly cpuSeconds: number
  /** 99 of 100 small requests took at most this long; undefined: none were sent, or too few. */
  readonly p99Ms: number | undefined
}

const NO_REQUESTS: Requests = { p99Ms: undefined, packets: 0, bytes: 0 }

/** Counters that decreased count as 0; the requests of the probe are not work. Pure. */
export function difference(from: Counters, to: Counters, requests = NO_REQUESTS): Measured {
  const grown = (key: keyof Counters['nic']): number => growth(from.nic[key], to.nic[key]) ?? 0
  return {
    seconds: (to.atMs - from.atMs) / 1000,
    bytes: Math.max(0, grown('rxBytes') + grown('txBytes') - requests.bytes),
    packets: Math.max(0, grown('rxPackets') + grown('txPackets') - requests.packets),
    cpuSeconds: (growth(from.cpu.busy, to.cpu.busy) ?? 0) / TICKS_PER_SECOND,
    p99Ms: requests.p99Ms,
  }
}

/** Counters before and after the work, with small requests to the target beside it. */
async function measuring(
  system: System,
  nic: string,
  target: string | undefined,
  work: () => Promise<void>,
): Promise<Measured> {
  const pings = target === undefined ? undefined : await Pings.start(system, nic, target)
  let requests: Requests | undefined
  let to: Counters
  const from = readCounters(system, nic)
  try {
    await work()
    // Before the end of ping, which takes time of its own.
    to = readCounters(system, nic)
  } finally {
    requests = await pings?.end()
  }
  return difference(from, to, requests)
}

/** @throws AbortError; VqtuneError kind vanished */
export async function measureTraffic(
  system: System,
  nic: string,
  windowMs: number,
  signal: AbortSignal,
  target: string | undefined,
): Promise<Measured> {
  await sleep(Math.min(SETTLE_MS, windowMs / 2), undefined, { signal })
  return measuring(system, nic, target, () => sleep(windowMs, undefined, { signal }))
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
  target: string | undefined,
): Promise<Measured> {
  return measuring(system, nic, target, () => runCommand(system, command, signal))
}

async function runCommand(system: System, command: readonly string[], signal: AbortSignal): Promise<void> {
  // Loaded here: only this needs it.
  const { execa } = await import('execa')
  const [file = '', ...args] = command
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
}
