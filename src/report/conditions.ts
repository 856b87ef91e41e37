/**
 * The conditions of the RHEL guide ("multi-queue helps most when packets are large, connections are many and queues equal
 * vCPUs; it can hurt outgoing traffic and costs CPU"), each checked against the measurement; and that queues receive at all.
 * Pure.
 */
import type { DeadQueues } from '../confirm/queue-service'
import { IDLE_PACKETS_PER_SECOND } from '../kernel/counters'
import { formatCpuList } from '../kernel/cpulist'
import { plural } from '../text/plural'
import type { NicLoad, Report } from './compare'

export const CONDITION_IDS = [
  'large-packets',
  'many-connections',
  'queues-match-vcpus',
  'small-outgoing',
  'cpu-headroom',
  'queues-served',
] as const
export const ANSWERS = ['yes', 'no', 'inconclusive'] as const

export interface Condition {
  readonly id: (typeof CONDITION_IDS)[number]
  readonly title: string
  readonly answer: (typeof ANSWERS)[number]
  /** True if the answer favours many queues, false if it does not, undefined if neither. */
  readonly favours: boolean | undefined
  /** The numbers. */
  readonly why: string
}

/** Of fewer in the whole window, too, nothing can be said. */
const MIN_PACKETS = 200

const LARGE_BYTES = 1000
const SMALL_BYTES = 300
/** The guide: outgoing packets below an Ethernet frame's 1,500 bytes. */
const SMALL_OUTGOING_BYTES = 1500
/** Acknowledgements of incoming traffic are small, too, but no risk: only NICs that send at least this share count. */
const OUTGOING_SHARE = 0.25

/** @param dead queues of which it is proven that they receive nothing */
export function judgeConditions(
  report: Report,
  nic: NicLoad,
  usableCpus: number,
  dead?: DeadQueues,
): readonly Condition[] {
  return [
    largePackets(report, nic),
    manyConnections(report, nic, usableCpus),
    queuesMatch(nic, usableCpus),
    smallOutgoing(report, nic),
    headroom(report),
    queuesServed(nic, dead),
  ]
}

/** Why nothing can be said of this NIC; undefined if it had enough traffic. */
export function idleReason(report: Report, nic: NicLoad): string | undefined {
  const packets = nic.rx.packets + nic.tx.packets
  const rate = report.seconds > 0 ? packets / report.seconds : 0
  return packets < MIN_PACKETS || rate < IDLE_PACKETS_PER_SECOND
    ? `too little traffic: ${packets} packets in ${report.seconds.toFixed(1)} s`
    : undefined
}

function condition(
  id: Condition['id'],
  title: string,
  answer: Condition['answer'],
  why: string,
  goodAnswer: 'yes' | 'no' = 'yes',
): Condition {
  return { id, title, answer, favours: answer === 'inconclusive' ? undefined : answer === goodAnswer, why }
}

function largePackets(report: Report, nic: NicLoad): Condition {
  const make = (answer: Condition['answer'], why: string): Condition =>
    condition('large-packets', 'packets are large', answer, why)
  const quiet = idleReason(report, nic)
  if (quiet !== undefined) return make('inconclusive', quiet)
  const [busier, name] = nic.rx.bytes >= nic.tx.bytes ? [nic.rx, 'incoming'] : [nic.tx, 'outgoing']
  const mean = busier.meanBytes ?? 0
  const why = `mean ${mean.toFixed(0)} bytes, ${name}`
  if (mean >= LARGE_BYTES) return make('yes', why)
  if (mean <= SMALL_BYTES) return make('no', why)
  return make('inconclusive', `${why}: neither large (${LARGE_BYTES}) nor small (${SMALL_BYTES})`)
}

/** Flows of all NICs, and what was counted: routed or bridged traffic has no sockets here. */
export function knownFlows({ flows: { sockets, tracked } }: Report): {
  readonly flows: number
  readonly counted: string
} {
  return tracked !== undefined && tracked > sockets
    ? { flows: tracked, counted: 'tracked connections' }
    : { flows: sockets, counted: 'connected sockets of this guest' }
}

function manyConnections(report: Report, nic: NicLoad, usableCpus: number): Condition {
  const make = (answer: Condition['answer'], why: string): Condition =>
    condition('many-connections', 'connections are many', answer, why)
  const { flows, counted } = knownFlows(report)
  const why = `${flows} ${counted}, for ${usableCpus} possible queues`
  const quiet = idleReason(report, nic)
  if (quiet !== undefined) return make('inconclusive', `${why}; ${quiet}`)
  if (flows >= 2 * usableCpus) return make('yes', why)
  // Routed or bridged traffic without connection tracking has flows that are not counted anywhere.
  if (flows === 0) return make('inconclusive', `${why}: the traffic has no known flows`)
  return flows < usableCpus
    ? make('no', why)
    : make('inconclusive', `${why}: at least two per queue are needed for a clear yes`)
}

function queuesMatch(nic: NicLoad, usableCpus: number): Condition {
  const answer = nic.channels === usableCpus ? 'yes' : 'no'
  const why = `${plural(nic.channels, 'queue')}, ${plural(usableCpus, 'usable vCPU')}`
  return condition('queues-match-vcpus', 'as many queues as vCPUs', answer, why)
}

function outgoingShare(nic: NicLoad): number {
  return nic.tx.bytes / Math.max(1, nic.tx.bytes + nic.rx.bytes)
}

/** A notable share of the bytes goes out in packets below an Ethernet frame. */
export function isSmallOutgoing(nic: NicLoad): boolean {
  return outgoingShare(nic) >= OUTGOING_SHARE && (nic.tx.meanBytes ?? 0) < SMALL_OUTGOING_BYTES
}

function smallOutgoing(report: Report, nic: NicLoad): Condition {
  const make = (answer: Condition['answer'], why: string): Condition =>
    condition('small-outgoing', 'risk: small outgoing packets', answer, why, 'no')
  const quiet = idleReason(report, nic)
  if (quiet !== undefined) return make('inconclusive', quiet)
  const mean = nic.tx.meanBytes ?? 0
  const why = `${(outgoingShare(nic) * 100).toFixed(0)} % of bytes go out, ${mean.toFixed(0)} bytes each`
  return make(isSmallOutgoing(nic) ? 'yes' : 'no', why)
}

function headroom(report: Report): Condition {
  const make = (answer: Condition['answer'], why: string): Condition =>
    condition('cpu-headroom', 'CPU headroom', answer, why)
  if (report.cpus.length === 0) return make('inconclusive', 'no vCPU data')
  const mean = (of: (cpu: Report['cpus'][number]) => number): number =>
    report.cpus.reduce((sum, cpu) => sum + of(cpu), 0) / report.cpus.length
  const busy = mean((cpu) => cpu.busy)
  const stolen = mean((cpu) => cpu.stolen)
  const busiest = report.cpus.reduce((worst, cpu) => (cpu.busy > worst.busy ? cpu : worst))
  const show = (share: number): string => `${(share * 100).toFixed(0)} %`
  const why = `vCPUs ${show(busy)} busy, CPU ${busiest.cpu} ${show(busiest.busy)}, ${show(stolen)} stolen by the host`
  if (busy >= 0.85 || stolen >= 0.1) return make('no', why)
  if (busy <= 0.7) return make('yes', why)
  return make('inconclusive', why)
}

/** Few connections leave queues empty by chance: only what findDeadQueues has proven is a no. */
function queuesServed(nic: NicLoad, dead: DeadQueues | undefined): Condition {
  const make = (answer: Condition['answer'], why: string): Condition =>
    condition('queues-served', 'every queue receives', answer, why)
  if (dead !== undefined) return make('no', dead.why)
  const empty = nic.queues.filter(({ rxPackets, rxInterrupts }) => (rxPackets ?? rxInterrupts) === 0)
  if (empty.length === 0) return make('yes', `${plural(nic.queues.length, 'queue')} received`)
  const which = formatCpuList(empty.map(({ queue }) => queue))
  return make(
    'inconclusive',
    `nothing arrived at queue ${which}, and too little traffic is known to call it a fault`,
  )
}
