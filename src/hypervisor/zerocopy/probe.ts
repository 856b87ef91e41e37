/** Measures whether vhost really sends without a copy: counts the completions that the kernel reports to vhost. */
import { growth } from '../../kernel/counters'
import { requireLinks } from '../../kernel/ip-link'
import type { System } from '../../system/system'
import { guestTaps } from '../network/links'
import type { VhostModule } from './module'
import { probeTarget } from './probe-target'
import { SuccessProbe } from './tracefs'

export interface ProbeResult {
  readonly seconds: number
  /** Sends that the network card read from guest memory. */
  readonly zeroCopied: number
  /** Sends that began without a copy and were copied on the way. */
  readonly copiedAfterAll: number
  /** Packets that guests sent through their taps in that time. */
  readonly sent: number
  readonly verdict: ProbeVerdict
}

export const PROBE_VERDICTS = [
  /** At least one send went out without a copy. */
  'works',
  /** Attempted, but every packet was copied on the way. */
  'copied',
  /** Guests sent, but vhost did not attempt it. */
  'not-tried',
  'no-traffic',
  /** The probe read something that is not a bool: this kernel's function has other arguments. */
  'unreadable',
] as const
export type ProbeVerdict = (typeof PROBE_VERDICTS)[number]

/**
 * Counts for some seconds, less when the signal aborts. The probe is removed when this returns or throws.
 * @throws VqtuneError kind unsupported, permission.
 */
export async function probeZerocopy(
  system: System,
  module: VhostModule,
  seconds: number,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const target = probeTarget(system, module)
  const taps = guestTaps(await requireLinks(system))
  const sentBefore = readSent(system, taps)
  const startedMs = performance.now()
  const probe = SuccessProbe.start(system, target.location, target.fetches)
  let counts: ReadonlyMap<number, number>
  try {
    await sleep(seconds * 1000, signal)
    counts = probe.counts()
  } finally {
    probe.remove()
  }
  const sent = growth(sentBefore, readSent(system, taps)) ?? 0
  return { seconds: Math.round((performance.now() - startedMs) / 100) / 10, ...judge(counts, sent) }
}

/** Pure. */
export function judge(counts: ReadonlyMap<number, number>, sent: number): Omit<ProbeResult, 'seconds'> {
  const zeroCopied = counts.get(1) ?? 0
  const copiedAfterAll = counts.get(0) ?? 0
  const unreadable = [...counts.keys()].some((value) => value > 1)
  const verdict: ProbeVerdict = unreadable
    ? 'unreadable'
    : zeroCopied > 0
      ? 'works'
      : copiedAfterAll > 0
        ? 'copied'
        : sent > 0
          ? 'not-tried'
          : 'no-traffic'
  return { zeroCopied, copiedAfterAll, sent, verdict }
}

/** What a tap receives is what its guest sends. */
function readSent(system: System, taps: readonly string[]): number {
  return taps.reduce(
    (sum, tap) =>
      sum + Number(system.readText(`${system.paths.sysClassNet}/${tap}/statistics/rx_packets`)?.trim() ?? 0),
    0,
  )
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    signal.addEventListener('abort', done)
  })
}
