import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS } from '../../../src/config/settings'
import type { ObservedNic } from '../../../src/model'
import { planGuest } from '../../../src/planner/plan'
import type { CpuLoadReport, QueueLoad } from '../../../src/report/compare'
import { CONCLUSION_IDS, type ConclusionInput, conclude } from '../../../src/report/conclusions'
import { BUSY, CPU, NIC } from '../../support/report'
import { guestOf, nicOf, takeStep } from '../../support/simulated-kernel'

const ONLINE = [0, 1, 2, 3]

function cpuOf(cpu: number, of: Partial<CpuLoadReport> = {}): CpuLoadReport {
  return { ...CPU, cpu, netRx: 1000, netTx: 10, processed: 9, dropped: 0, squeezed: 0, ...of }
}

/** Its interrupts arrive on its own vCPU. */
function queueOf(queue: number, interrupts = 10_000): QueueLoad {
  const byCpu = interrupts === 0 ? [] : [{ cpu: queue, interrupts }]
  const packets = { rxPackets: undefined, txPackets: undefined, txKicks: undefined }
  return { queue, cpus: [queue], rxInterrupts: interrupts, txInterrupts: 0, byCpu, ...packets }
}

/** A converged NIC with its plan, of a guest with four vCPUs. */
function planned(maximum = 4, current = maximum) {
  let guest = guestOf(ONLINE, [nicOf({ ifindex: 2, maximum, current }, ONLINE)])
  for (;;) {
    const [plan] = planGuest(guest, DEFAULT_SETTINGS)
    if (plan === undefined) throw new Error('no NIC')
    const [step] = plan.plan.steps
    if (step === undefined) return plan
    guest = takeStep(guest, step)
  }
}

function withNapi(nic: ObservedNic, value: string): ObservedNic {
  const setting = {
    tunable: 'threaded-napi',
    key: 'threaded',
    label: 'threaded NAPI',
    file: undefined,
    value,
  }
  return { ...nic, settings: [...nic.settings, setting] }
}

function withRps(nic: ObservedNic, value: string): ObservedNic {
  const setting = { tunable: 'rps', key: 'queue 0', label: 'queue 0 RPS', file: undefined, value }
  return { ...nic, settings: [...nic.settings, setting] }
}

function withRfs(nic: ObservedNic, value: string): ObservedNic {
  const setting = { tunable: 'rfs', key: 'queue 0', label: 'queue 0 RFS', file: undefined, value }
  return { ...nic, settings: [...nic.settings, setting] }
}

const PLAN = planned()
const LIMITED = planned(2)
const QUEUES = ONLINE.map((queue) => queueOf(queue))
const HEALTHY: ConclusionInput = {
  report: { ...BUSY, cpus: ONLINE.map((cpu) => cpuOf(cpu)) },
  nic: { ...NIC, queues: QUEUES },
  observed: PLAN.nic,
  desired: PLAN.desired,
  steps: [],
  usableCpus: 4,
  flowEntries: 32_768,
  facts: {
    rings: { rx: 256, rxMaximum: 256, tx: 256, txMaximum: 256 },
    offloads: { off: [], fixed: [] },
  },
  dead: undefined,
}
const withCpu = (cpu: number, of: Partial<CpuLoadReport>): ConclusionInput['report'] => ({
  ...HEALTHY.report,
  cpus: HEALTHY.report.cpus.map((one) => (one.cpu === cpu ? { ...one, ...of } : one)),
})
const FULL = { busy: 0.98, softirq: 0.9, squeezed: 200 }

const CAUSES: Record<(typeof CONCLUSION_IDS)[number], Partial<ConclusionInput>> = {
  'cpu-steal': { report: { ...HEALTHY.report, cpus: ONLINE.map((cpu) => cpuOf(cpu, { stolen: 0.3 })) } },
  'settings-drifted': {
    steps: [
      {
        tunable: 'irq-affinity',
        nic: 'eth0',
        ifindex: 2,
        key: 'queue 1 rx',
        label: 'IRQ 26 affinity',
        file: undefined,
        old: '0',
        new: '1',
        reason: '',
      },
    ],
  },
  'dead-queues': { dead: { queues: [2, 3], flows: 64, why: 'queues 2-3 receive nothing' } },
  'root-qdisc': { nic: { ...HEALTHY.nic, qdisc: { kind: 'pfifo_fast', requeues: 0 } } },
  'rps-leftover': { observed: withRps(PLAN.nic, '0-3') },
  'busy-application': {
    report: {
      ...HEALTHY.report,
      cpus: ONLINE.map((cpu) =>
        cpuOf(cpu, cpu === 2 ? { busy: 0.99, softirq: 0.1 } : { busy: 0.05, softirq: 0.02 }),
      ),
    },
  },
  'softirqs-on-one-vcpu': {
    observed: withNapi(PLAN.nic, 'off'),
    report: {
      ...HEALTHY.report,
      cpus: ONLINE.map((cpu) => cpuOf(cpu, cpu === 1 ? FULL : { busy: cpu === 0 ? 0.4 : 0.05 })),
    },
  },
  'saturated-vcpu': { report: withCpu(1, FULL) },
  'receive-drops': { nic: { ...HEALTHY.nic, dropped: { rx: 900, tx: 0 } } },
  'transmit-stalls': { nic: { ...HEALTHY.nic, qdisc: { kind: 'mq', requeues: 4000 } } },
  'packets-elsewhere': {
    observed: withRfs(LIMITED.nic, '0'),
    desired: LIMITED.desired,
    nic: { ...NIC, channels: 2, queues: [queueOf(0), queueOf(1)] },
    report: {
      ...HEALTHY.report,
      cpus: ONLINE.map((cpu) =>
        cpu < 2
          ? cpuOf(cpu, { busy: 0.5, softirq: 0.45, processed: 9000 })
          : cpuOf(cpu, { busy: 0.6, softirq: 0.05, processed: 1000 }),
      ),
    },
  },
  'few-flows': {
    report: {
      ...withCpu(0, { busy: 0.7, softirq: 0.6 }),
      flows: { sockets: 2, tracked: undefined },
    },
  },
  'small-outgoing': {
    nic: { ...HEALTHY.nic, tx: { packets: 500_000, bytes: 50_000_000, meanBytes: 100 } },
  },
  'offloads-off': {
    facts: { rings: undefined, offloads: { off: ['generic-receive-offload'], fixed: [] } },
  },
}

const ids = (input: ConclusionInput) => conclude(input).map(({ id }) => id)

describe('conclude', () => {
  it('draws none of a healthy NIC', () => {
    expect(conclude(HEALTHY)).toEqual([])
  })

  it.each(CONCLUSION_IDS)('%s: the only one where it is the only cause', (id) => {
    expect(ids({ ...HEALTHY, ...CAUSES[id] })).toEqual([id])
  })

  it('draws none from too little traffic, whatever the cause', () => {
    const idle = { packets: 10, bytes: 1000, meanBytes: 100 }
    for (const cause of Object.values(CAUSES)) {
      const input = { ...HEALTHY, ...cause }
      expect(conclude({ ...input, nic: { ...input.nic, rx: idle, tx: idle } })).toEqual([])
    }
  })

  it('names a cause before what follows from it', () => {
    const found = ids({
      ...HEALTHY,
      ...CAUSES['settings-drifted'],
      ...CAUSES['offloads-off'],
      nic: { ...HEALTHY.nic, dropped: { rx: 900, tx: 0 }, qdisc: { kind: 'pfifo', requeues: 9000 } },
      report: {
        ...HEALTHY.report,
        cpus: ONLINE.map((cpu) => cpuOf(cpu, { ...(cpu === 1 ? FULL : {}), stolen: 0.3 })),
      },
    })
    expect(found).toEqual(CONCLUSION_IDS.filter((id) => found.includes(id)))
    expect(found).toHaveLength(7)
    expect(found[0]).toBe('cpu-steal')
  })

  it('draws none from what is not known', () => {
    const nic = { ...HEALTHY.nic, dropped: undefined, qdisc: undefined, queues: [] }
    const facts = { rings: undefined, offloads: { off: [], fixed: [] } }
    expect(conclude({ ...HEALTHY, nic, facts, report: { ...withCpu(1, FULL) } })).toEqual([])
    expect(ids({ ...HEALTHY, report: { ...HEALTHY.report, cpus: [] } })).toEqual([])
  })
})

describe('a saturated vCPU', () => {
  const saturated = (input: Partial<ConclusionInput>) =>
    conclude({ ...HEALTHY, report: withCpu(1, FULL), ...input }).find(({ id }) => id === 'saturated-vcpu')

  it('is told with its numbers', () => {
    expect(saturated({})).toMatchObject({
      text: 'CPU 1 has no time left for the packets of its queue',
      evidence:
        "98 % busy, 90 % in softirqs, 25 % of the NIC's interrupts, 20 % of NET_RX runs ended with work left",
      next: 'vqtune trial eth0 measures whether another number of queues is better',
    })
    expect(saturated({ report: withCpu(1, { ...FULL, netRx: 0 }) })?.evidence).not.toContain('NET_RX')
  })

  it('leads to apply, to the host, or to more flows', () => {
    expect(saturated({ nic: { ...HEALTHY.nic, channels: 2 } })?.next).toBe('vqtune apply eth0')
    const limited = planned(2)
    const { nic: observed, desired } = limited
    const nic = { ...HEALTHY.nic, channels: 2, queues: [queueOf(0), queueOf(1)] }
    expect(saturated({ nic, observed, desired })?.next).toMatch(
      /^the host offers 2 queues for 4 vCPUs: vqtune explain eth0 has the remedy/,
    )
    const report = { ...withCpu(1, FULL), flows: { sockets: 0, tracked: 1 } }
    expect(saturated({ report })?.next).toMatch(/^1 flow cannot use 4 queues/)
  })

  it('leads to threaded NAPI where other vCPUs are idle, and nothing simpler helps', () => {
    const cause = { ...HEALTHY, ...CAUSES['softirqs-on-one-vcpu'] }
    expect(conclude(cause)).toMatchObject([
      {
        text: 'softirqs leave CPU 1 no time, while other vCPUs are idle: threaded NAPI may use those',
        evidence: expect.stringMatching(/^98 % busy, .* idle: CPU 2-3; threaded NAPI is off$/),
        next: expect.stringMatching(
          /^vqtune trial --vary threaded-napi eth0 compares it on this traffic, and with --keep/,
        ),
      },
    ])
    const instead: Partial<ConclusionInput>[] = [
      // No other vCPU is idle.
      { report: withCpu(1, FULL) },
      // It is on already, or the kernel does not have it.
      { observed: withNapi(PLAN.nic, 'on') },
      { observed: PLAN.nic },
      { nic: { ...HEALTHY.nic, channels: 2 } },
      { report: { ...cause.report, flows: { sockets: 2, tracked: undefined } } },
    ]
    for (const change of instead) expect(ids({ ...cause, ...change })[0]).toBe('saturated-vcpu')
    // Its work is an application's.
    const report = {
      ...cause.report,
      cpus: ONLINE.map((cpu) => cpuOf(cpu, { busy: cpu === 1 ? 0.99 : 0.05, softirq: 0.02 })),
    }
    expect(ids({ ...cause, report })).toEqual(['busy-application'])
    const idle = { ...cause.report, cpus: ONLINE.map((cpu) => cpuOf(cpu, { busy: 0.05 })) }
    expect(ids({ ...cause, report: idle })).toEqual([])
  })

  it('few flows are no cause where no vCPU has much to do, or where another one has', () => {
    const flows = { sockets: 2, tracked: undefined }
    expect(ids({ ...HEALTHY, report: { ...withCpu(0, { busy: 0.2 }), flows } })).toEqual([])
    const nic = { ...HEALTHY.nic, queues: [queueOf(0), queueOf(1), queueOf(2), queueOf(3, 0)] }
    expect(ids({ ...HEALTHY, nic, report: { ...withCpu(3, { busy: 0.7, softirq: 0.6 }), flows } })).toEqual(
      [],
    )
  })

  it('is told of the traffic that there is: of a NIC that mostly receives, no root qdisc', () => {
    const nic = {
      ...HEALTHY.nic,
      tx: { packets: 100, bytes: 6600, meanBytes: 66 },
      qdisc: { kind: 'pfifo', requeues: 0 },
    }
    expect(ids({ ...HEALTHY, nic })).toEqual([])
  })

  it('is the one with most of the interrupts', () => {
    const nic = {
      ...HEALTHY.nic,
      queues: [queueOf(0, 40_000), queueOf(1), queueOf(2, 90_000), queueOf(3, 0)],
    }
    const cpus = ONLINE.map((cpu) => cpuOf(cpu, FULL))
    expect(saturated({ nic, report: { ...HEALTHY.report, cpus } })?.text).toContain('CPU 2 ')
  })
})

describe('packets that are processed far from the programs', () => {
  const CAUSE = { ...HEALTHY, ...CAUSES['packets-elsewhere'] }

  it('are told with the numbers, and lead to a trial', () => {
    expect(conclude(CAUSE)).toMatchObject([
      {
        evidence: "CPU 0-1: 90 % of the packets, 8 % of the programs' time; RFS is off",
        next: expect.stringMatching(/^vqtune trial --vary rfs eth0 compares it on this traffic/),
      },
    ])
  })

  it('lead to the sysctl first where there is no table, and to nothing where the kernel has none', () => {
    expect(conclude({ ...CAUSE, flowEntries: 0 })[0]?.next).toMatch(
      /^sysctl -w net\.core\.rps_sock_flow_entries=32768 \(.*\), then vqtune trial --vary rfs eth0 /,
    )
    expect(ids({ ...CAUSE, flowEntries: undefined })).toEqual([])
    expect(ids({ ...CAUSE, observed: LIMITED.nic })).toEqual([])
  })

  it('are no conclusion where RFS is on, the host gives enough, nothing runs, or both are together', () => {
    const cpus = (of: (cpu: number) => Partial<CpuLoadReport>) => ({
      ...CAUSE,
      report: { ...CAUSE.report, cpus: ONLINE.map((cpu) => cpuOf(cpu, of(cpu))) },
    })
    const { maximum: _, ...channels } = CAUSE.observed.channels
    const others: ConclusionInput[] = [
      { ...CAUSE, observed: withRfs(LIMITED.nic, '16384') },
      { ...CAUSE, usableCpus: 2 },
      { ...CAUSE, observed: { ...CAUSE.observed, channels: { ...channels, maximum: undefined } } },
      cpus((cpu) => ({ busy: 0.1, softirq: 0.05, processed: cpu < 2 ? 9000 : 0 })),
      cpus(() => ({ busy: 0.5, softirq: 0.1, processed: 1000 })),
      cpus(() => ({ busy: 0.5, softirq: 0.1, processed: 0 })),
    ]
    for (const input of others) expect(ids(input)).toEqual([])
  })

  it('are not to be sent to isolated vCPUs', () => {
    // The programs run on CPU 3 only, which takes no interrupts.
    const desired = {
      ...CAUSE.desired,
      groups: [[0, 1], [2]].map((irq) => ({ irq, xps: irq })),
    }
    const cpus = ONLINE.map((cpu) =>
      cpuOf(cpu, cpu === 3 ? { busy: 0.9, softirq: 0 } : { busy: 0.3, softirq: 0.3, processed: 5000 }),
    )
    expect(ids({ ...CAUSE, usableCpus: 3, desired, report: { ...CAUSE.report, cpus } })).toEqual([])
  })
})

describe('the next step', () => {
  const next = (input: Partial<ConclusionInput>) => conclude({ ...HEALTHY, ...input })[0]?.next

  it('a ring that can be larger here, or only on the host', () => {
    const { nic } = CAUSES['receive-drops']
    if (nic === undefined) throw new Error('no NIC')
    const rings = { rx: 256, rxMaximum: 1024, tx: 256, txMaximum: 256 }
    const { offloads } = HEALTHY.facts
    expect(next({ nic, facts: { rings, offloads } })).toBe(
      'vqtune config set rx-ring max --nic eth0, vqtune apply eth0, and measure again',
    )
    const fixed = { ...PLAN.nic, features: { ...PLAN.nic.features, ringReset: false } }
    expect(next({ nic, observed: fixed, facts: { rings, offloads } })).toContain(
      'on the host (rx_queue_size)',
    )
    expect(next({ nic })).toContain('on the host (rx_queue_size)')
    expect(conclude({ ...HEALTHY, nic, facts: { rings: undefined, offloads } })[0]?.evidence).toBe(
      '900 of 100900 packets',
    )
  })

  it('an offload that is off here, or not offered', () => {
    const rings = undefined
    const both = { off: ['generic-receive-offload'], fixed: ['rx-checksumming'] } as const
    expect(conclude({ ...HEALTHY, facts: { rings, offloads: both } })[0]).toMatchObject({
      evidence: 'off: generic-receive-offload; not offered by the host: rx-checksumming',
      next: expect.stringMatching(/^ethtool -K eth0 generic-receive-offload on, unless/),
    })
    const fixed = { off: [], fixed: ['rx-checksumming'] } as const
    expect(next({ facts: { rings, offloads: fixed } })).toMatch(/^on the hypervisor/)
  })

  it('names are quoted for a shell', () => {
    const nic = { ...HEALTHY.nic, name: 'a;b', qdisc: { kind: 'pfifo', requeues: 0 } }
    expect(next({ nic })).toMatch(/^tc qdisc replace dev 'a;b' root mq/)
  })
})
