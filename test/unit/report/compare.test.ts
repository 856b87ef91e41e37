import { expect, test } from 'vitest'
import { observeGuest } from '../../../src/planner/observe'
import { compareSnapshots } from '../../../src/report/compare'
import { judgeConditions } from '../../../src/report/conditions'
import { readSnapshot, type Snapshot } from '../../../src/report/snapshot'
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
    'queues-served inconclusive',
  ])
})
