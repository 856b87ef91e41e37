import { expect, test } from 'vitest'
import type { DriftRecord } from '../../../src/drift/history'
import { driftText } from '../../../src/output/drift'

const record = (more: Partial<DriftRecord>): DriftRecord => ({
  at: '2026-03-01T10:00:00.000Z',
  kind: 'channels',
  nic: 'eth0',
  old: '4',
  new: '2',
  writer: 'ethtool',
  evidence: 'ethtool (pid 812) set 2 channels, as the kernel noted',
  action: 'repaired',
  why: '',
  ...more,
})
const UNKNOWN = 'unknown: vqtune explain'

test('a writer has the user who ran it, if auditd recorded that', () => {
  const evidence =
    'ethtool -L eth0 combined 2 (pid 812, user alice, login uid 1000, terminal pts0) is in the audit log'
  expect(driftText([record({ evidence })])).toMatch(/ ethtool \(alice\) +│? *repaired/)
  expect(driftText([record({})])).toMatch(/ ethtool +│? *repaired/)
})

test('an unknown writer of a setting: how to find out, once', () => {
  const unknown = { writer: 'unknown', evidence: 'none of the 25 known writers was seen to write it' }
  const text = driftText([record({}), record(unknown), record({ ...unknown, nic: 'eth1' })])
  expect(text.split(UNKNOWN).slice(1)).toEqual([
    ' eth0 lists what may have written it, and what can record it the next time\n',
  ])
  expect(driftText([record({})])).not.toContain(UNKNOWN)
  // XDP is not a setting: the kernel does not show who attaches programs.
  expect(driftText([record({ ...unknown, kind: 'xdp-attached' })])).not.toContain(UNKNOWN)
})
