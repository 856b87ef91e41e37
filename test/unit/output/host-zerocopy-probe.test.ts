import { expect, test } from 'vitest'
import type { ProbeResult } from '../../../src/hypervisor/zerocopy/probe'
import { probeText } from '../../../src/output/host-zerocopy-probe'

const text = (more: Partial<ProbeResult>, running?: boolean) =>
  probeText({ seconds: 5, zeroCopied: 0, copiedAfterAll: 0, sent: 9, verdict: 'works', ...more }, running)

test.each<[Partial<ProbeResult>, RegExp]>([
  [{ zeroCopied: 3, copiedAfterAll: 1 }, /^zero copy works: 3 of 4 attempts were sent without a copy\n/],
  [{ verdict: 'copied', copiedAfterAll: 7 }, /^zero copy does not work: all 7 attempts were copied /],
  [{ verdict: 'not-tried' }, /^zero copy was not attempted: /],
  [{ verdict: 'no-traffic', sent: 0 }, /^inconclusive: no guest sent anything; measure again under load\n/],
  [{ verdict: 'unreadable' }, /^inconclusive: the probed function of this kernel has unexpected arguments\n/],
])('%j', (result, expected) => {
  expect(text(result)).toMatch(expected)
})

test('where the module has it off, that is why nothing was attempted', () => {
  expect(text({ verdict: 'not-tried' }, false)).toMatch(/^zero copy is off: /)
  expect(text({ verdict: 'not-tried' }, true)).toMatch(/^zero copy was not attempted: /)
})

test('it says what the answer rests on', () => {
  expect(text({})).toMatch(/\nmeasured 5 s; guests sent 9 packets$/)
})
