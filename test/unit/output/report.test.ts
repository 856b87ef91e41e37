import { expect, test } from 'vitest'
import { bar, reportText } from '../../../src/output/report'
import { observeGuest } from '../../../src/planner/observe'
import { compareSnapshots } from '../../../src/report/compare'
import { readSnapshot } from '../../../src/report/snapshot'
import { paint } from '../../../src/text/paint'
import { capturedGuest } from '../../support/captured-guest'
import { BUSY, NIC, unjudged } from '../../support/report'

test('the terminal picture leads each queue to the vCPU that took its interrupts', async () => {
  const { system } = capturedGuest('debian-6.12-4cpu-4q')
  const guest = await observeGuest(system)
  const shot = await readSnapshot(system, guest.nics, guest.cpus.online)
  // As if the guest had just come up: what the capture shows is what happened since.
  const before = { ...shot, atMs: shot.atMs - 10_000, interrupts: { cpus: [], byAction: new Map() } }
  const report = compareSnapshots(guest.nics, guest.cpus.online, before, shot)
  const text = reportText(
    report,
    report.nics.map(unjudged),
    { machine: 'QEMU Q35', cpu: 'a CPU' },
    paint(false),
  )
  expect(text).toMatch(/queue 0 {3}█{20} 8 interrupts -> CPU 0 \(7\), CPU 3 \(1\)/)
  expect(text).toContain('QEMU Q35; a CPU')
  expect(text).toContain('all NICs')
  expect([bar(0), bar(0.5), bar(2)]).toEqual([
    '·'.repeat(20),
    '█'.repeat(10) + '·'.repeat(10),
    '█'.repeat(20),
  ])
})

test('conclusions are numbered, each with its evidence and the next step below it', () => {
  const conclusions = [
    { id: 'few-flows', text: 'few', evidence: '1 flow', next: 'more' },
    { id: 'receive-drops', text: 'drops', evidence: '12 of 100', next: 'a larger ring' },
  ] as const
  const text = reportText(BUSY, [{ ...NIC, conditions: [], conclusions }], undefined, paint(false))
  expect(text).toContain('  1. few (1 flow)\n     -> more\n  2. drops (12 of 100)\n     -> a larger ring\n')
})
