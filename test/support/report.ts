/** A report of one vCPU and one NIC with enough traffic for a judgement, to be changed by the test. */
import type { NicLoad, Report } from '../../src/report/compare'
import type { JudgedNic } from '../../src/report/judged'

export const CPU = { cpu: 0, busy: 0.5, softirq: 0.1, stolen: 0, softirqSeconds: 1 }
export const BUSY: Report = {
  seconds: 10,
  nics: [],
  cpus: [{ ...CPU, netRx: 1, netTx: 1, processed: 1, dropped: 0, squeezed: 3 }],
  flows: { sockets: 40, tracked: undefined },
  tcp: { sent: 100, retransmitted: 2 },
}
export const NIC: NicLoad = {
  name: 'eth0',
  channels: 4,
  rx: { packets: 100_000, bytes: 150_000_000, meanBytes: 1500 },
  tx: { packets: 50_000, bytes: 3_300_000, meanBytes: 66 },
  queues: [],
  evenness: 1,
  evennessOf: 'packets',
  dropped: { rx: 0, tx: 0 },
  qdisc: { kind: 'mq', requeues: 0 },
}

/** Without a judgement. */
export function unjudged(nic: NicLoad): JudgedNic {
  return { ...nic, conditions: [], conclusions: [] }
}
