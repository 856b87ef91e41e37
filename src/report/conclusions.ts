/**
 * Why a NIC is slow, and what to do: each conclusion with its evidence and the next step, the most telling first. None is
 * drawn from too little traffic, and none from an unknown value. Pure.
 *
 * The order is that of the rules below: first what no queue can help against, then what is set wrong, then what is full,
 * then what the traffic or the host does not allow. A cause comes before what follows from it: an interrupt on the wrong
 * vCPU before the vCPU that it saturates, a saturated vCPU before the packets that are dropped there.
 */
import type { DeadQueues } from '../confirm/queue-service'
import { formatCpuList } from '../kernel/cpulist'
import { FLOW_TABLE_ENTRIES, FLOW_TABLE_SYSCTL } from '../kernel/flow-table'
import type { CpuList, DesiredNic, ObservedNic, Step } from '../model'
import { operand, shellQuote } from '../text/escape'
import { plural } from '../text/plural'
import { cpuListsOf } from '../tunables/engine'
import type { CpuLoadReport, NicLoad, Report } from './compare'
import { idleReason, isSmallOutgoing, knownFlows } from './conditions'
import type { NicFacts } from './nic-facts'

export const CONCLUSION_IDS = [
  'cpu-steal',
  'settings-drifted',
  'dead-queues',
  'root-qdisc',
  'rps-leftover',
  'busy-application',
  'softirqs-on-one-vcpu',
  'saturated-vcpu',
  'receive-drops',
  'transmit-stalls',
  'packets-elsewhere',
  'few-flows',
  'small-outgoing',
  'offloads-off',
] as const

export interface Conclusion {
  readonly id: (typeof CONCLUSION_IDS)[number]
  /** One clause without a full stop. */
  readonly text: string
  /** The numbers. */
  readonly evidence: string
  /** What to do, or how to find out; one clause without a full stop. */
  readonly next: string
}

export interface ConclusionInput {
  readonly report: Report
  readonly nic: NicLoad
  readonly observed: ObservedNic
  readonly desired: DesiredNic
  /** What vqtune would change of this NIC. */
  readonly steps: readonly Step[]
  /** vCPUs that may take interrupts. */
  readonly usableCpus: number
  /** Entries of the table of RFS; see ObservedGuest. */
  readonly flowEntries: number | undefined
  readonly facts: NicFacts
  /** Queues of which it is proven that they receive nothing. */
  readonly dead: DeadQueues | undefined
}

type Rule = (input: ConclusionInput) => Conclusion | undefined

/** Share of all vCPUs' time that the hypervisor gave to others. Below it, noise of a shared machine. */
const STOLEN = 0.1
/** A vCPU without time left. */
const FULL = 0.9
/** Of its time in softirqs: its work is the network's. Below APPLICATION it is an application's. */
const SOFTIRQ_BOUND = 0.5
const APPLICATION_BOUND = 0.25
/** A queue or vCPU that carries at least this share of the NIC's interrupts matters to it. */
const SHARE = 0.2
/** Of received packets. NICs drop a frame of an unknown protocol now and then. */
const DROPPED = 1e-3
/** Of sent packets. */
const REQUEUED = 1e-2
/** Of the runs of NET_RX that ended with work left. */
const SQUEEZED = 1e-2
/** Of one vCPU's time: less is no load of applications. */
const RUNNING = 0.5
/** Packets and applications of which this part, or more, is on other vCPUs are apart. */
const APART = 0.5
/** Qdiscs that keep one queue for each transmit queue, or none at all. */
const PER_QUEUE_QDISCS: readonly string[] = ['mq', 'mqprio', 'taprio', 'noqueue']

const RULES: readonly Rule[] = [
  cpuSteal,
  settingsDrifted,
  queuesDead,
  rootQdisc,
  rpsLeftover,
  busyApplication,
  softirqsOnOneCpu,
  saturatedCpu,
  receiveDrops,
  transmitStalls,
  packetsElsewhere,
  fewFlows,
  smallOutgoing,
  offloadsOff,
]

/** @returns none for a NIC with too little traffic, and none for a healthy one */
export function conclude(input: ConclusionInput): readonly Conclusion[] {
  if (idleReason(input.report, input.nic) !== undefined) return []
  return RULES.flatMap((rule) => rule(input) ?? [])
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`
}

function cpuSteal({ report: { cpus } }: ConclusionInput): Conclusion | undefined {
  const stolen = cpus.reduce((sum, cpu) => sum + cpu.stolen, 0) / Math.max(1, cpus.length)
  if (stolen < STOLEN) return undefined
  return {
    id: 'cpu-steal',
    text: 'the host has no CPU time for this guest: no number of queues helps',
    evidence: `${percent(stolen)} of the time of ${plural(cpus.length, 'vCPU')} was stolen`,
    next: 'ask for a less busy host or for dedicated CPUs, then measure again',
  }
}

function settingsDrifted({ nic: { name }, steps }: ConclusionInput): Conclusion | undefined {
  const [first] = steps
  if (first === undefined) return undefined
  return {
    id: 'settings-drifted',
    text: 'settings of the NIC are not as desired',
    evidence: `${plural(steps.length, 'pending change')}, the first: ${first.label} ${first.old} -> ${first.new}`,
    next: `vqtune apply ${operand(name)}; vqtune explain ${operand(name)} names what may have changed them`,
  }
}

/** What of the likely causes is vqtune's to mend, the RSS table, is a step of its own and comes first. */
function queuesDead({ nic: { name, channels }, dead }: ConclusionInput): Conclusion | undefined {
  if (dead === undefined) return undefined
  const served = channels - dead.queues.length
  return {
    id: 'dead-queues',
    text: `only ${served} of ${plural(channels, 'queue')} receive: connections that the others should get stall, or crowd here`,
    evidence: dead.why,
    next: `on the hypervisor, vqtune host check; until it serves all, vqtune config set cap ${served} --nic ${operand(name)} and vqtune apply`,
  }
}

/** One lock over all transmit queues (Documentation/networking/multiqueue.rst). */
function rootQdisc({ nic }: ConclusionInput): Conclusion | undefined {
  const { qdisc, channels, name, tx, rx } = nic
  if (qdisc === undefined || channels < 2 || PER_QUEUE_QDISCS.includes(qdisc.kind)) return undefined
  const share = tx.packets / Math.max(1, tx.packets + rx.packets)
  if (share < SHARE) return undefined
  return {
    id: 'root-qdisc',
    text: 'all transmit queues share one queueing discipline, and its lock',
    evidence: `root qdisc ${qdisc.kind} over ${plural(channels, 'queue')}; ${percent(share)} of packets go out`,
    next: `tc qdisc replace dev ${shellQuote(name)} root mq, and find what sets it (a shaping script, tuned, net.core.default_qdisc)`,
  }
}

/** Each vCPU has a queue of its own: then RPS moves packets away from the vCPU that the NIC chose. */
function rpsLeftover({ nic, observed, usableCpus }: ConclusionInput): Conclusion | undefined {
  const masks = [...cpuListsOf(observed, 'rps')].filter(([, cpus]) => cpus.length > 0)
  if (masks.length === 0 || nic.channels < usableCpus) return undefined
  const first = masks[0] as [string, CpuList]
  return {
    id: 'rps-leftover',
    text: 'receive packet steering moves packets between vCPUs although each has its own queue',
    evidence: `rps_cpus is set for ${plural(masks.length, 'queue')}, ${first[0]}: CPU ${formatCpuList(first[1])}`,
    next: 'set rps = "off" for this NIC in /etc/vqtune/vqtune.toml, then vqtune apply',
  }
}

/** Interrupts of the NIC by vCPU, as shares. */
function sharesByCpu({ queues }: NicLoad): ReadonlyMap<number, number> {
  const counts = new Map<number, number>()
  for (const { byCpu } of queues) {
    for (const { cpu, interrupts } of byCpu) counts.set(cpu, (counts.get(cpu) ?? 0) + interrupts)
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return new Map([...counts].map(([cpu, count]) => [cpu, count / total]))
}

/** The vCPU that carries most of the NIC's interrupts, of those that are full and fit. */
function fullCpu(
  { report, nic }: ConclusionInput,
  fits: (cpu: CpuLoadReport) => boolean,
): { readonly cpu: CpuLoadReport; readonly share: number } | undefined {
  const shares = sharesByCpu(nic)
  return report.cpus
    .map((cpu) => ({ cpu, share: shares.get(cpu.cpu) ?? 0 }))
    .filter(({ cpu, share }) => share >= SHARE && cpu.busy >= FULL && fits(cpu))
    .sort((a, b) => b.share - a.share)[0]
}

function busyApplication(input: ConclusionInput): Conclusion | undefined {
  const found = fullCpu(input, ({ softirq }) => softirq < APPLICATION_BOUND)
  const isElsewhereIdle = input.report.cpus.some(({ busy }) => busy < 1 - FULL)
  if (found === undefined || !isElsewhereIdle) return undefined
  const { cpu, share } = found
  return {
    id: 'busy-application',
    text: `CPU ${cpu.cpu} serves a queue and a busy application, while other vCPUs are idle`,
    evidence: `${percent(cpu.busy)} busy, ${percent(cpu.softirq)} in softirqs, ${percent(share)} of the NIC's interrupts`,
    next: `ps -eLo psr,pcpu,comm --sort=-pcpu shows it; let it run elsewhere (taskset, CPUAffinity=), or keep CPU ${cpu.cpu} free of queues (isolcpus)`,
  }
}

/** A vCPU that softirqs leave no time, with its numbers. */
function softirqBound(
  input: ConclusionInput,
): { readonly cpu: CpuLoadReport; readonly evidence: string } | undefined {
  const found = fullCpu(input, ({ softirq }) => softirq >= SOFTIRQ_BOUND)
  if (found === undefined) return undefined
  const { cpu, share } = found
  const squeezed = cpu.netRx === 0 ? 0 : cpu.squeezed / cpu.netRx
  const squeezes = squeezed < SQUEEZED ? '' : `, ${percent(squeezed)} of NET_RX runs ended with work left`
  return {
    cpu,
    evidence: `${percent(cpu.busy)} busy, ${percent(cpu.softirq)} in softirqs, ${percent(share)} of the NIC's interrupts${squeezes}`,
  }
}

/**
 * Softirqs of receive and transmit queue, and what the stack does with the packets, share the vCPU of the interrupt; as
 * threads they need not. Not where something simpler helps: the other channels, the host, more flows.
 */
function softirqsOnOneCpu(input: ConclusionInput): Conclusion | undefined {
  const { nic, report, observed } = input
  const found = softirqBound(input)
  const idle = report.cpus.filter(({ busy }) => busy < 1 - FULL).map(({ cpu }) => cpu)
  const isOff = observed.settings.some(({ tunable, value }) => tunable === 'threaded-napi' && value === 'off')
  if (found === undefined || idle.length === 0 || !isOff || simplerWayOutOf(input) !== undefined)
    return undefined
  const name = operand(nic.name)
  return {
    id: 'softirqs-on-one-vcpu',
    text: `softirqs leave CPU ${found.cpu.cpu} no time, while other vCPUs are idle: threaded NAPI may use those`,
    evidence: `${found.evidence}; idle: CPU ${formatCpuList(idle)}; threaded NAPI is off`,
    next: `vqtune trial --vary threaded-napi ${name} compares it on this traffic, and with --keep keeps what is better: a flow still has one thread`,
  }
}

function saturatedCpu(input: ConclusionInput): Conclusion | undefined {
  const found = softirqBound(input)
  // The same vCPU, with what to do about it.
  if (found === undefined || softirqsOnOneCpu(input) !== undefined) return undefined
  return {
    id: 'saturated-vcpu',
    text: `CPU ${found.cpu.cpu} has no time left for the packets of its queue`,
    evidence: found.evidence,
    next:
      simplerWayOutOf(input) ??
      `vqtune trial ${operand(input.nic.name)} measures whether another number of queues is better`,
  }
}

/** undefined: none is known. */
function simplerWayOutOf({
  nic,
  desired,
  observed,
  usableCpus,
  report,
}: ConclusionInput): string | undefined {
  const name = operand(nic.name)
  if (nic.channels < desired.target) return `vqtune apply ${name}`
  const { maximum } = observed.channels
  if (maximum !== undefined && maximum < usableCpus) {
    return `the host offers ${plural(maximum, 'queue')} for ${plural(usableCpus, 'vCPU')}: vqtune explain ${name} has the remedy; until then rps = "spread" may share the work: vqtune trial --vary rps ${name} compares`
  }
  const { flows } = knownFlows(report)
  if (flows > 0 && flows < nic.channels) {
    return `${plural(flows, 'flow')} cannot use ${plural(nic.channels, 'queue')}, a flow uses one: more connections, or less work for each packet`
  }
  return undefined
}

function receiveDrops({ nic, observed, facts: { rings } }: ConclusionInput): Conclusion | undefined {
  const { dropped, rx, name } = nic
  if (dropped === undefined || dropped.rx < DROPPED * (rx.packets + dropped.rx) || dropped.rx < 10) {
    return undefined
  }
  const isSmall = rings !== undefined && rings.rx < rings.rxMaximum
  const ring = rings === undefined ? '' : `; ring ${rings.rx} of ${rings.rxMaximum} descriptors`
  return {
    id: 'receive-drops',
    text: isSmall ? 'received packets are dropped, and the ring is small' : 'received packets are dropped',
    evidence: `${dropped.rx} of ${rx.packets + dropped.rx} packets${ring}`,
    next:
      isSmall && observed.features.ringReset
        ? `vqtune config set rx-ring max --nic ${operand(name)}, vqtune apply ${operand(name)}, and measure again`
        : `ethtool -S ${shellQuote(name)} and nstat show where; a ring is made larger on the host (rx_queue_size)`,
  }
}

function transmitStalls({ nic }: ConclusionInput): Conclusion | undefined {
  const { qdisc, tx, name } = nic
  if (qdisc === undefined || qdisc.requeues < 10 || qdisc.requeues < REQUEUED * tx.packets) return undefined
  return {
    id: 'transmit-stalls',
    text: 'the host takes packets more slowly than the guest sends them',
    evidence: `${qdisc.requeues} requeues for ${tx.packets} sent packets`,
    next: `on the hypervisor, vqtune host check (vhost, and who is on its CPUs); here, vqtune trial ${operand(name)}`,
  }
}

/**
 * RFS brings packets to the vCPU of their application. Counters tell where packets were processed and where programs ran, but
 * not whose packets, nor whether the programs use the network: enough for a trial, and for no more.
 */
function packetsElsewhere(input: ConclusionInput): Conclusion | undefined {
  const { nic, report, observed, desired, usableCpus, flowEntries } = input
  const { maximum } = observed.channels
  const tables = observed.settings.filter(({ tunable }) => tunable === 'rfs')
  const isOff = tables.length > 0 && tables.every(({ value }) => value === '0')
  if (maximum === undefined || maximum >= usableCpus || !isOff || flowEntries === undefined) return undefined
  // To an isolated vCPU nobody is to be sent.
  const usable = new Set(desired.groups.flatMap(({ irq }) => irq))
  const cpus = report.cpus.filter(({ cpu }) => usable.has(cpu))
  const packets = cpus.reduce((sum, { processed }) => sum + processed, 0)
  const running = cpus.reduce((sum, { busy, softirq }) => sum + busy - softirq, 0)
  if (packets === 0 || running < RUNNING) return undefined
  const shares = cpus.map(({ cpu, processed, busy, softirq }) => ({
    cpu,
    packets: processed / packets,
    running: (busy - softirq) / running,
  }))
  const more = shares.filter((one) => one.packets > one.running)
  const [processed, ran] = (['packets', 'running'] as const).map((of) =>
    more.reduce((sum, one) => sum + one[of], 0),
  ) as [number, number]
  if (processed - ran < APART) return undefined
  const sysctl = `sysctl -w ${FLOW_TABLE_SYSCTL}=${FLOW_TABLE_ENTRIES} (for all NICs, and yours to set), then `
  return {
    id: 'packets-elsewhere',
    text: 'packets are processed on other vCPUs than those where programs run: receive flow steering (RFS) may help',
    evidence: `CPU ${formatCpuList(more.map(({ cpu }) => cpu))}: ${percent(processed)} of the packets, ${percent(ran)} of the programs' time; RFS is off`,
    next: `${flowEntries === 0 ? sysctl : ''}vqtune trial --vary rfs ${operand(nic.name)} compares it on this traffic; only that shows whether they belong together`,
  }
}

/** Only where it is what limits: one busy queue beside idle ones. */
function fewFlows({ report, nic }: ConclusionInput): Conclusion | undefined {
  const { flows, counted } = knownFlows(report)
  if (nic.channels < 2 || flows === 0 || flows >= nic.channels) return undefined
  const shares = sharesByCpu(nic)
  const isPressed = report.cpus.some(
    ({ cpu, busy, softirq }) =>
      (shares.get(cpu) ?? 0) >= SHARE && busy >= 0.5 && softirq >= APPLICATION_BOUND,
  )
  if (!isPressed) return undefined
  return {
    id: 'few-flows',
    text: 'fewer flows than queues: the other queues have nothing to do',
    evidence: `${flows} ${counted}, ${plural(nic.channels, 'queue')}`,
    next: 'more connections in parallel (a flow uses one queue); fewer queues lose nothing here',
  }
}

/** "Multi-queue virtio-net can hurt outgoing traffic when packets are small": the RHEL guide's caution. */
function smallOutgoing({ nic }: ConclusionInput): Conclusion | undefined {
  if (nic.channels < 2 || !isSmallOutgoing(nic)) return undefined
  return {
    id: 'small-outgoing',
    text: 'many small packets go out: more queues can make that slower, says the RHEL guide',
    evidence: `${nic.tx.packets} packets of ${Math.round(nic.tx.bytes / nic.tx.packets)} bytes out, ${nic.rx.packets} in`,
    next: `vqtune trial ${operand(nic.name)} measures it here`,
  }
}

function offloadsOff({ nic: { name }, facts: { offloads } }: ConclusionInput): Conclusion | undefined {
  const { off, fixed } = offloads
  if (off.length + fixed.length === 0) return undefined
  return {
    id: 'offloads-off',
    text: 'offloads are off: each packet costs more than it has to',
    evidence: [
      ...(off.length === 0 ? [] : [`off: ${off.join(', ')}`]),
      ...(fixed.length === 0 ? [] : [`not offered by the host: ${fixed.join(', ')}`]),
    ].join('; '),
    next:
      off.length === 0
        ? 'on the hypervisor, remove csum=off, gso=off, tso4=off and the like (libvirt: <host> and <guest> of <driver>)'
        : `ethtool -K ${shellQuote(name)} ${off.map((offload) => `${offload} on`).join(' ')}, unless they were put off on purpose`,
  }
}
