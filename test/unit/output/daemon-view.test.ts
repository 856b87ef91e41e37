import { describe, expect, test } from 'vitest'
import type { DaemonView } from '../../../src/daemon/view'
import type { DriftRecord } from '../../../src/drift/history'
import { daemonJson, daemonText } from '../../../src/output/daemon-view'
import { expectSchema } from '../../support/schema'

const DRIFT: DriftRecord = {
  ...{ at: '2026-03-01T09:59:59.000Z', kind: 'channels', nic: 'eth0', old: '4', new: '2' },
  ...{ writer: 'unknown', evidence: '', action: 'repaired', why: '' },
}
const VIEW: DaemonView = {
  ...{ version: 1, bootId: 'b', pid: 812, startTicks: '7', checkedAt: '2026-03-01T10:00:00.000Z' },
  sources: [{ name: 'udev', state: 'up', why: null }],
  ...{ suspended: [], configValid: true, problems: [], recentDrift: [] },
}
const HEAD = 'daemon: running (PID 812), last check 2026-03-01T10:00:00.000Z, events from udev\n'

describe('the daemon', () => {
  test('that does not run, or may not be seen', () => {
    expect(daemonText(undefined)).toBe('daemon: not running\n')
    expect(daemonText('unknown')).toBe('daemon: unknown (this user may not see other processes)\n')
    expect([undefined, 'unknown' as const].map(daemonJson)).toEqual([{ running: false }, { running: null }])
  })

  test('that has nothing to say is one line', () => {
    expect(daemonText(VIEW)).toBe(HEAD)
    const two = [...VIEW.sources, { name: 'ethtool', state: 'up', why: null } as const]
    expect(daemonText({ ...VIEW, sources: two })).toContain(', events from udev, ethtool\n')
    expect(daemonText({ ...VIEW, sources: [] })).toContain(', no events yet\n')
  })

  test('says what it lacks, what it left alone, and what it saw', () => {
    const view: DaemonView = {
      ...VIEW,
      sources: [...VIEW.sources, { name: 'ethtool', state: 'down', why: 'ethtool is not installed' }],
      suspended: [
        { nic: 'eth0', otherWriter: 'irqbalance', until: null, why: 'conflict with irqbalance: left alone' },
      ],
      configValid: false,
      problems: ['ethtool is not installed'],
      recentDrift: [DRIFT],
    }
    expect(
      daemonText(view),
    ).toBe(`${HEAD}  no events from ethtool: ethtool is not installed; relying on periodic checks
  the last reload failed: the previous configuration is still in effect
  ethtool is not installed
  eth0: conflict with irqbalance: left alone
  drift 2026-03-01T09:59:59.000Z eth0 channels 4 -> 2 by an unknown writer: repaired
`)
    const rest = { version: 1, vcpus: { online: '0', isolated: '' }, nics: [], ignored: [], irqbalance: null }
    for (const one of [view, 'unknown', undefined] as const)
      expectSchema('status', { ...rest, daemon: daemonJson(one) })
  })
})

test.each<[Partial<DriftRecord>, string]>([
  [{ writer: 'tuned' }, 'eth0 channels 4 -> 2 by tuned: repaired'],
  [
    { nic: null, kind: 'online-cpus', old: '0-1', new: '0-3' },
    'online-cpus 0-1 -> 0-3 by an unknown writer: repaired',
  ],
  // Values of 60 characters and the arrow between them fit, longer ones do not.
  [
    { old: 'a'.repeat(28), new: 'b'.repeat(28) },
    `eth0 channels ${'a'.repeat(28)} -> ${'b'.repeat(28)} by an unknown writer: repaired`,
  ],
  [{ old: 'a'.repeat(29), new: 'b'.repeat(28) }, 'eth0 channels by an unknown writer: repaired'],
])('drift %j', (more, text) => {
  expect(daemonText({ ...VIEW, recentDrift: [{ ...DRIFT, ...more }] })).toBe(
    `${HEAD}  drift 2026-03-01T09:59:59.000Z ${text}\n`,
  )
})
