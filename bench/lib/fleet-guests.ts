/**
 * What the daemons of a fleet show, by vqtune's own code on simulated guests: a pure function of the guest's number and the
 * minute. Most guests are quiet; some drift, have NICs that come and go under new names, or something to report.
 */
import { DEFAULT_SETTINGS } from '../../src/config/settings'
import { DaemonCounters, guestFamilies, lastCheck } from '../../src/daemon/metrics'
import { type Family, type MetricsFormat, renderMetrics } from '../../src/daemon/prometheus'
import { SeenStates } from '../../src/daemon/seen-states'
import type { ObservedGuest, Skip, SkipCode } from '../../src/model'
import { WRITER_NAMES } from '../../src/writers/index'
import { quietPass } from '../../test/support/quiet-pass'
import { guestOf, nicOf } from '../../test/support/simulated-kernel'

const MINUTE_MS = 60_000
const DAY_MINUTES = 1_440
/** Interval of the recording. */
const PRESENCE_MINUTES = 15
const VCPUS = [2, 4, 8, 16] as const
/** A NIC that comes and goes: there for so many minutes of so many, under another name each time. */
const CHURN = { there: 5, of: 10, names: 1_000 } as const

/** One guest in so many. */
const SHARE = {
  /** Its host offers half of the queue pairs. */
  limited: 33,
  /** Somebody halves the channels of its first NIC, and on-conflict is "report". */
  drifting: 50,
  churning: 50,
  held: 100,
  withoutUdev: 200,
  badConfig: 500,
} as const

const isOne = (guest: number, share: number, offset: number): boolean => guest % share === offset % share

/** 7 of 10 guests have one NIC, 2 have two, 1 has four. */
function nicCount(guest: number): number {
  if (guest % 10 < 7) return 1
  return guest % 10 < 9 ? 2 : 4
}

const isDrifting = (guest: number): boolean => isOne(guest, SHARE.drifting, 7)
const isChurning = (guest: number): boolean => isOne(guest, SHARE.churning, 13)

/** Whether its metrics differ from minute to minute, but for the time of the last check. */
const isLively = (guest: number): boolean => isDrifting(guest) || isChurning(guest)

/** The one that the panels for one guest are asked for: it drifts. */
export const BUSY_GUEST = 57

export const nameOf = (guest: number): string => `guest-${guest}`

function observed(guest: number, minute: number): ObservedGuest {
  const vcpus = VCPUS[guest % VCPUS.length] as number
  const online = Array.from({ length: vcpus }, (_, cpu) => cpu)
  const maximum = isOne(guest, SHARE.limited, 0) ? vcpus / 2 : vcpus
  const current = isDrifting(guest) ? Math.max(1, maximum / 2) : maximum
  const nics = Array.from({ length: nicCount(guest) }, (_, i) =>
    nicOf({ ifindex: i + 2, maximum, ...(i === 0 ? { current } : {}) }, online),
  )
  if (isChurning(guest) && minute % CHURN.of < CHURN.there) {
    const ifindex = 100 + (Math.floor(minute / CHURN.of) % CHURN.names)
    nics.push(nicOf({ ifindex, maximum }, online))
  }
  return guestOf(online, nics)
}

/** Since the daemon started, which was long ago for most. */
function counted(guest: number, minute: number, since: number): DaemonCounters {
  const counters = new DaemonCounters()
  const drift = (kind: 'channels' | 'irq-affinity' | 'nic-added', writer: string, times: number): void => {
    const nic = kind === 'nic-added' ? null : 'eth2'
    const action = kind === 'nic-added' ? 'accepted' : isDrifting(guest) ? 'reported' : 'repaired'
    for (let i = 0; i < times; i++) counters.countDrift({ nic, kind, writer, action })
  }
  if (guest % 3 === 0) drift('irq-affinity', 'irqbalance', 1 + (guest % 5))
  if (guest % 4 === 0) drift('channels', 'kernel', 1)
  if (isDrifting(guest))
    drift('channels', WRITER_NAMES[guest % WRITER_NAMES.length] as string, minute - since)
  if (isChurning(guest)) drift('nic-added', 'unknown', Math.floor((minute - since) / CHURN.of))
  return counters
}

/** @param since the first minute of the history */
function familiesOf(guest: number, minute: number, since: number): readonly Family[] {
  const seen = observed(guest, minute)
  const skip = (nic: string, code: SkipCode): Skip => ({ nic, code, why: '', tunable: undefined })
  const families = guestFamilies(
    quietPass(seen, { skips: isOne(guest, SHARE.held, 21) ? [skip('eth2', 'held')] : [] }),
    DEFAULT_SETTINGS,
    {
      sources: new Map([
        ['udev', !isOne(guest, SHARE.withoutUdev, 5)],
        ['ethtool', true],
      ]),
      configValid: !isOne(guest, SHARE.badConfig, 9),
      startedAt: (since - 1_000 - guest) * MINUTE_MS,
    },
    statesOf(guest),
  )
  const counters = counted(guest, minute, since)
  return [
    ...families.map((family) => (family.name === 'build_info' ? buildOf(family, guest) : family)),
    ...counters.families(seen.nics.map(({ name }) => name)),
    lastCheck(minute * MINUTE_MS),
  ]
}

/** What has drifted was as it should be before. */
function statesOf(guest: number): SeenStates {
  const states = new SeenStates()
  if (isDrifting(guest)) states.family(new Map([['eth2', 'converged']]))
  return states
}

/** A fleet in the middle of an update. */
const versionOf = (guest: number): string => (guest % 10 === 3 ? '0.2.0' : '0.1.0')

function buildOf(family: Family, guest: number): Family {
  return { ...family, samples: [{ labels: { version: versionOf(guest) }, value: 1 }] }
}

/**
 * The recording that there were metrics, in windows of two hours, which are the blocks of a Prometheus: OpenMetrics with
 * times. One rule asks for a day of this series of each guest, and no rule for more than two hours of others.
 * @param to the minute after the last
 */
export function* presenceHistory(guests: number, to: number, job: string): Iterable<string> {
  const window = 120
  for (let start = to - DAY_MINUTES; start < to; start += window) {
    const lines: string[] = []
    for (let guest = 0; guest < guests; guest++) {
      const series = `job_instance_version:vqtune_build_info:last15m{instance="${nameOf(guest)}",job="${job}",version="${versionOf(guest)}"} 1`
      for (let at = start; at < Math.min(start + window, to); at += PRESENCE_MINUTES)
        lines.push(`${series} ${at * 60}\n`)
    }
    lines.push('# EOF\n')
    yield lines.join('')
  }
}

/** The metrics of a guest now, as its daemon's endpoint gives them. */
export function metricsOf(guest: number, minute: number, since: number, format: MetricsFormat): string {
  return renderMetrics(familiesOf(guest, minute, since), format)
}

/**
 * The metrics of all minutes from the one to before the other, each sample with its time: how a Prometheus gets most of an
 * hour by its first scrape.
 */
export function historyOf(guest: number, from: number, to: number, since: number): string {
  const bySeries = new Map<string, string[]>()
  const still = isLively(guest) ? undefined : linesOf(guest, from, since)
  for (let at = from; at < to; at++) {
    for (const line of still ?? linesOf(guest, at, since)) {
      const end = line.lastIndexOf(' ')
      const series = line.slice(0, end)
      const value = series === 'vqtune_last_check_timestamp_seconds' ? at * 60 : line.slice(end + 1)
      const samples = bySeries.get(series) ?? []
      bySeries.set(series, samples)
      samples.push(`${series} ${value} ${at * MINUTE_MS}\n`)
    }
  }
  return [...bySeries.values()].map((samples) => samples.join('')).join('')
}

function linesOf(guest: number, minute: number, since: number): readonly string[] {
  return metricsOf(guest, minute, since, 'text')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
}
