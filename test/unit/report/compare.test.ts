import { expect, test } from 'vitest'
import { observeGuest } from '../../../src/planner/observe'
import { compareSnapshots, type Report } from '../../../src/report/compare'
import { judgeConditions } from '../../../src/report/conditions'
import { reportPage } from '../../../src/report/html/page'
import { readSnapshot, type Snapshot } from '../../../src/report/snapshot'
import { bar, reportText } from '../../../src/report/text'
import { paint } from '../../../src/text/paint'
import { capturedGuest } from '../../support/captured-guest'

async function snapshot(name: string) {
  const { system } = capturedGuest(name)
  const guest = await observeGuest(system)
  return { guest, shot: await readSnapshot(system, guest.nics, guest.cpus.online) }
}

/** As if the guest had just come up: what the capture shows is what happened since. */
function nothingYet(shot: Snapshot): Snapshot {
  return {
    ...shot,
    atMs: shot.atMs - 10_000,
    nics: new Map(),
    interrupts: { cpus: [], byAction: new Map() },
    cpus: new Map(),
    softirqs: new Map(),
    softnet: new Map(),
  }
}

test('debian-6.12-4cpu-4q: queues, interrupts and vCPUs from boot to capture', async () => {
  const { guest, shot } = await snapshot('debian-6.12-4cpu-4q')
  const report = compareSnapshots(guest.nics, guest.cpus.online, nothingYet(shot), shot)
  expect(report.seconds).toBeCloseTo(10, 6)
  const [nic] = report.nics
  expect(nic).toMatchObject({ name: 'enp0s8', channels: 4, evennessOf: 'interrupts' })
  // /proc/interrupts of the capture: input.0 has 1 on CPU 0 and 1 on CPU 3, output.0 has 6 on CPU 0.
  expect(nic?.queues[0]).toMatchObject({
    rxInterrupts: 2,
    txInterrupts: 6,
    byCpu: [
      { cpu: 0, interrupts: 7 },
      { cpu: 3, interrupts: 1 },
    ],
    txKicks: 6,
  })
  expect(nic?.queues[3]).toMatchObject({ rxInterrupts: 1, txInterrupts: 0, rxPackets: undefined })
  expect(report.cpus.map(({ cpu }) => cpu)).toEqual([0, 1, 2, 3])
  expect(report.cpus[0]).toMatchObject({ processed: 1, netRx: 8, netTx: 2 })
})

test('debian-6.1-4cpu-4q: evenness is of packets where the kernel counts them', async () => {
  const { guest, shot } = await snapshot('debian-6.1-4cpu-4q')
  const [nic] = compareSnapshots(guest.nics, guest.cpus.online, nothingYet(shot), shot).nics
  expect(nic?.evennessOf).toBe('packets')
  // 7, 0, 0 and 3 received packets.
  expect(nic?.evenness).toBeCloseTo(100 / (4 * 58), 6)
})

test('the same snapshot twice is an idle NIC: nothing is claimed', async () => {
  const { guest, shot } = await snapshot('debian-6.1-4cpu-4q')
  const report = compareSnapshots(guest.nics, guest.cpus.online, shot, { ...shot, atMs: shot.atMs + 1000 })
  const [nic] = report.nics
  if (nic === undefined) throw new Error('no NIC')
  expect(nic.evenness).toBeUndefined()
  const answers = judgeConditions(report, nic, 4).map(({ id, answer }) => `${id} ${answer}`)
  expect(answers).toEqual([
    'large-packets inconclusive',
    'many-connections inconclusive',
    'queues-match-vcpus yes',
    'small-outgoing inconclusive',
    'cpu-headroom yes',
  ])
})

const CPU = { cpu: 0, busy: 0.5, softirq: 0.1, stolen: 0, softirqSeconds: 1 }
const BUSY: Report = {
  seconds: 10,
  nics: [],
  cpus: [{ ...CPU, netRx: 1, netTx: 1, processed: 1, dropped: 0, squeezed: 3 }],
  flows: { sockets: 40, tracked: undefined },
  tcp: { sent: 100, retransmitted: 2 },
}
const NIC: Report['nics'][number] = {
  name: 'eth0',
  channels: 4,
  rx: { packets: 100_000, bytes: 150_000_000, meanBytes: 1500 },
  tx: { packets: 50_000, bytes: 3_300_000, meanBytes: 66 },
  queues: [],
  evenness: 1,
  evennessOf: 'packets',
}
const answerOf = (report: Report, nic: typeof NIC, id: string): string | undefined =>
  judgeConditions(report, nic, 4).find((condition) => condition.id === id)?.answer

test('acknowledgements are no small-packet risk, small replies are', () => {
  expect(answerOf(BUSY, NIC, 'small-outgoing')).toBe('no')
  const replies = { ...NIC, rx: { packets: 50_000, bytes: 4_000_000, meanBytes: 80 } }
  expect(answerOf(BUSY, replies, 'small-outgoing')).toBe('yes')
  expect(answerOf(BUSY, replies, 'large-packets')).toBe('no')
  expect(answerOf(BUSY, NIC, 'large-packets')).toBe('yes')
})

test('connections, queues and headroom', () => {
  expect(answerOf(BUSY, NIC, 'many-connections')).toBe('yes')
  expect(answerOf({ ...BUSY, flows: { sockets: 1, tracked: 2 } }, NIC, 'many-connections')).toBe('no')
  expect(answerOf({ ...BUSY, flows: { sockets: 0, tracked: undefined } }, NIC, 'many-connections')).toBe(
    'inconclusive',
  )
  expect(answerOf(BUSY, { ...NIC, channels: 2 }, 'queues-match-vcpus')).toBe('no')
  const full = BUSY.cpus.map((cpu) => ({ ...cpu, busy: 0.97 }))
  expect(answerOf({ ...BUSY, cpus: full }, NIC, 'cpu-headroom')).toBe('no')
  const stolen = BUSY.cpus.map((cpu) => ({ ...cpu, stolen: 0.3 }))
  expect(answerOf({ ...BUSY, cpus: stolen }, NIC, 'cpu-headroom')).toBe('no')
})

test('the terminal picture leads each queue to the vCPU that took its interrupts', async () => {
  const { guest, shot } = await snapshot('debian-6.12-4cpu-4q')
  const report = compareSnapshots(guest.nics, guest.cpus.online, nothingYet(shot), shot)
  const text = reportText(report, new Map(), { machine: 'QEMU Q35', cpu: 'a CPU' }, paint(false))
  expect(text).toMatch(/queue 0 {3}█{20} 8 interrupts -> CPU 0 \(7\), CPU 3 \(1\)/)
  expect(text).toContain('QEMU Q35; a CPU')
  expect(text).toContain('all NICs')
  expect([bar(0), bar(0.5), bar(2)]).toEqual([
    '·'.repeat(20),
    '█'.repeat(10) + '·'.repeat(10),
    '█'.repeat(20),
  ])
})

test('the page needs nothing else and takes hostile names as text', () => {
  const hostile = `"><script>alert(1)</script>&'\u0007`
  const nic = {
    ...NIC,
    name: hostile,
    queues: [
      {
        queue: 0,
        cpus: [0],
        rxInterrupts: 10,
        txInterrupts: 5,
        byCpu: [{ cpu: 0, interrupts: 15 }],
        rxPackets: 1,
        txPackets: 1,
        txKicks: 1,
      },
    ],
  }
  const report = { ...BUSY, nics: [nic] }
  const conditions = new Map([[hostile, judgeConditions(report, nic, 4)]])
  const page = reportPage(report, conditions, { machine: '<b>', cpu: '&' }, '2026-01-01T00:00:00Z')
  for (const bad of ['<script', '<b>', '\u0007']) expect(page).not.toContain(bad)
  expect(page).toContain('&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;&#39;\ufffd')
  expect(page).not.toMatch(/https?:|url\(|@import|<link|<img| src=/)
  expect(page).toContain("default-src 'none'")
  expect(page.match(/<svg role="img"/g)).toHaveLength(2)
  // In scale: 10 of 15 interrupts, then the other 5.
  expect(page).toContain('class="rx" x="0.00%" width="66.67%"')
  expect(page).toContain('class="tx" x="66.67%" width="33.33%"')
  expect(page).toContain('<tr><th scope="row">queue 0</th><td style="--heat-share:0.50">15</td></tr>')
})
