/** Proof of service: whether each receive queue gets its share, and what it means if one gets nothing. */
import { countActiveFlows } from '../kernel/active-flows'
import { formatCpuList } from '../kernel/cpulist'
import { type Activity, readQueueActivity } from '../kernel/queue-activity'
import { parseTcpSegments } from '../kernel/tcp-segments'
import type { ObservedNic, RssSpread } from '../model'
import { activityBetween, deadQueues, emptyQueues } from '../planner/dead-queues'
import { nicByIndex } from '../planner/find-nic'
import { observeGuest } from '../planner/observe'
import type { System } from '../system/system'
import { shellQuote } from '../text/escape'
import { plural } from '../text/plural'
import type { WatchEnd } from './confirm'

/** Queues of a NIC that get nothing. */
export interface DeadQueues {
  /** Ascending; not all of the NIC. */
  readonly queues: readonly number[]
  /** Connections that were active meanwhile. */
  readonly flows: number
  /** The finding with the likely cause, one clause without a full stop. */
  readonly why: string
}

/**
 * Judges the counters between two readings. Programs are run only if a queue received nothing.
 * @param windowMs between the readings, milliseconds
 * @returns undefined if no queue is dead, or the traffic does not tell
 */
export async function findDeadQueues(
  system: System,
  nic: Pick<ObservedNic, 'name' | 'channels' | 'features' | 'rssTable' | 'obstacle'>,
  before: Activity,
  after: Activity,
  windowMs: number,
): Promise<DeadQueues | undefined> {
  // A table made by hand does not spread evenly, and an XDP program may take packets away.
  const spread = spreadOf(nic)
  if (spread !== undefined && 'entries' in spread) return undefined
  if (nic.obstacle?.code === 'xdp') return undefined
  if (emptyQueues(activityBetween(before, after)).length === 0) return undefined
  const flows = await countActiveFlows(system, nic.name, windowMs)
  const queues = deadQueues(before, after, flows)
  if (queues.length === 0) return undefined
  const what = `${queues.length === 1 ? 'queue' : 'queues'} ${formatCpuList(queues)}`
  const gets = queues.length === 1 ? 'receives' : 'receive'
  const why = `${what} ${gets} nothing while ${plural(flows, 'connection')} keep the others busy: ${likelyCause(nic, queues)}`
  return { queues, flows, why }
}

function spreadOf({ rssTable }: Pick<ObservedNic, 'rssTable'>): RssSpread | undefined {
  return rssTable === 'unknown' ? undefined : rssTable?.spread
}

const BACKEND =
  'the backend on the host serves fewer queues (vhost-user or OVS-DPDK with fewer receive queues, a tap opened with one)'

function likelyCause(
  { name, channels, features, rssTable }: Pick<ObservedNic, 'name' | 'channels' | 'features' | 'rssTable'>,
  queues: readonly number[],
): string {
  const spread = spreadOf({ rssTable })
  if (spread !== undefined && 'equal' in spread && queues.every((queue) => queue >= spread.equal)) {
    return `the RSS table names the first ${spread.equal} only`
  }
  if (!features.rss) return BACKEND
  // Each RSS command carries the number of queues at probe on kernels from 5.18 on; see tunables/rss-table.ts.
  const set = (count: number): string => `ethtool -L ${shellQuote(name)} combined ${count}`
  return `an RSS command (ethtool -X, -K rxhash) told the device an old number of queues, which ${set(channels.current - 1)} and ${set(channels.current)} mend; or ${BACKEND}`
}

/** Of fewer segments that were sent again nothing is concluded. */
const MIN_RETRANSMITTED = 10
const STALLED_SHARE = 0.1
/** A shorter watch has nothing to tell. */
const MIN_WATCH_MS = 2_000

/**
 * Carries out a watch after a change of channels, and judges the queues by what they received meanwhile.
 * @param notice called with the finding, whether or not connections stall
 * @returns as lost if queues are dead and connections stall on them, else the watch's own end
 */
export async function watchWithService(
  system: System,
  ifindex: number,
  watch: () => Promise<WatchEnd>,
  notice: (text: string) => void = () => {},
): Promise<WatchEnd> {
  const from = await read(system, ifindex)
  const end = await watch()
  if (end !== 'verified' && end !== 'over') return end
  if (from === undefined || performance.now() - from.atMs < MIN_WATCH_MS) return end
  const to = await read(system, ifindex)
  if (to === undefined) return end
  const windowMs = to.atMs - from.atMs
  const dead = await findDeadQueues(system, to.nic, from.activity, to.activity, windowMs)
  if (dead === undefined) return end
  notice(dead.why)
  const sent = to.sent - from.sent
  const again = to.retransmitted - from.retransmitted
  return again >= MIN_RETRANSMITTED && again >= STALLED_SHARE * sent
    ? { lost: `connections stall (${again} of ${sent} TCP segments sent again), ${dead.why}` }
    : end
}

interface Reading {
  readonly nic: ObservedNic
  readonly activity: Activity
  readonly sent: number
  readonly retransmitted: number
  readonly atMs: number
}

/** @returns undefined if it cannot be read now, or there is a single queue: then nothing is judged */
async function read(system: System, ifindex: number): Promise<Reading | undefined> {
  try {
    const nic = nicByIndex(await observeGuest(system, { rssTable: true }), ifindex)
    if (nic === undefined || nic.queues.length < 2) return undefined
    const tcp = parseTcpSegments(system.readText(`${system.paths.procNet}/snmp`) ?? '')
    const activity = await readQueueActivity(system, nic)
    return { nic, activity, sent: 0, retransmitted: 0, ...tcp, atMs: performance.now() }
  } catch {
    return undefined
  }
}
