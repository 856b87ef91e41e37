import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS } from '../../../src/config/settings'
import { isJournal, journalLine } from '../../../src/daemon/journal'
import { DaemonCounters, guestFamilies, lastCheck } from '../../../src/daemon/metrics'
import { chooseFormat, renderMetrics } from '../../../src/daemon/prometheus'
import { guestOf, nicOf } from '../../support/simulated-kernel'

describe('renderMetrics', () => {
  it('escapes label values and help, and leaves empty families out', () => {
    const text = renderMetrics([
      { name: 'a', type: 'gauge', help: 'One\\two', samples: [{ labels: { nic: 'e"t\\h\n0' }, value: 1.5 }] },
      { name: 'b_total', type: 'counter', help: 'None', samples: [] },
    ])
    expect(text).toBe(
      '# HELP vqtune_a One\\\\two.\n# TYPE vqtune_a gauge\nvqtune_a{nic="e\\"t\\\\h\\n0"} 1.5\n',
    )
  })

  it('names families as OpenMetrics wants them, and ends with its mark', () => {
    const families = [
      {
        name: 'build_info',
        type: 'info',
        help: 'One "two"',
        samples: [{ labels: { version: '1' }, value: 1 }],
      },
      { name: 'b_total', type: 'counter', help: 'Three', samples: [{ value: 0 }] },
    ] as const
    expect(renderMetrics(families, 'openmetrics').split('\n')).toEqual([
      '# HELP vqtune_build One \\"two\\".',
      '# TYPE vqtune_build info',
      'vqtune_build_info{version="1"} 1',
      '# HELP vqtune_b Three.',
      '# TYPE vqtune_b counter',
      'vqtune_b_total 0',
      '# EOF',
      '',
    ])
    expect(renderMetrics(families)).toContain(
      '# HELP vqtune_build_info One "two".\n# TYPE vqtune_build_info gauge\n',
    )
    expect(renderMetrics([], 'openmetrics')).toBe('# EOF\n')
  })
})

describe('chooseFormat', () => {
  it.each([
    // Prometheus 2.42, and 2.50 and later.
    [
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      'openmetrics',
    ],
    [
      'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      'openmetrics',
    ],
    // Prometheus told to prefer the older format; curl; a browser; nothing at all.
    ['text/plain;version=0.0.4;q=0.6,application/openmetrics-text; version="1.0.0";q=0.5,*/*;q=0.1', 'text'],
    ['*/*', 'text'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'text'],
    [undefined, 'text'],
    // A version that we do not speak, or one that is refused.
    ['application/openmetrics-text;version=2.0.0,text/plain;q=0.1', 'text'],
    ['application/openmetrics-text;q=0', 'text'],
    ['application/openmetrics-text;q=much', 'text'],
  ] as const)('%s: %s', (accept, format) => {
    expect(chooseFormat(accept)).toBe(format)
  })
})

describe('metrics of a guest', () => {
  const online = [0, 1, 2, 3]
  const guest = guestOf(online, [nicOf({ ifindex: 2, maximum: 4, current: 2 }, online)])
  const skip = { nic: 'eth2', code: 'shared-interrupt', why: '' } as const
  const skips = [
    { ...skip, tunable: 'irq-affinity' as const },
    { ...skip, tunable: 'xps' as const },
  ]
  const health = {
    sources: new Map([
      ['udev', true],
      ['ethtool', false],
    ]),
    configValid: true,
    startedAt: 1_800_000_000_999,
  }
  const samples = (text: string): string[] =>
    text.split('\n').filter((line) => line !== '' && !line.startsWith('#') && !line.includes('build_info'))

  it('show each NIC, what is missing and what is left alone, each label set once', () => {
    const result = {
      ...{
        guest,
        skips,
        missing: [],
        changes: [],
        regressionHolds: new Map(),
        suspended: [],
        againMs: undefined,
      },
    }
    expect(samples(renderMetrics(guestFamilies(result, DEFAULT_SETTINGS, health)))).toEqual([
      'vqtune_vcpus_online 4',
      'vqtune_nic_channels{nic="eth2"} 2',
      'vqtune_nic_channels_target{nic="eth2"} 4',
      'vqtune_nic_channels_ideal{nic="eth2"} 4',
      'vqtune_nic_channels_maximum{nic="eth2"} 4',
      'vqtune_nic_limited_by{nic="eth2",factor="vcpus"} 1',
      'vqtune_nic_private_queues{nic="eth2"} 2',
      'vqtune_nic_drifted_settings{nic="eth2"} 1',
      'vqtune_nic_skipped{nic="eth2",reason="shared-interrupt"} 1',
      'vqtune_event_source_up{source="udev"} 1',
      'vqtune_event_source_up{source="ethtool"} 0',
      'vqtune_config_last_reload_successful 1',
      'vqtune_process_start_time_seconds 1800000000',
    ])
    expect(samples(renderMetrics([lastCheck(1_800_000_300_999)]))).toEqual([
      'vqtune_last_check_timestamp_seconds 1800000300',
    ])
  })

  it('count from 0, and not for NICs that are gone', () => {
    const counters = new DaemonCounters()
    const before = samples(renderMetrics(counters.families(['eth2'])))
    expect(before.filter((line) => !line.endsWith(' 0'))).toEqual([])
    counters.countDrift({ nic: 'eth2', kind: 'channels', writer: 'tuned', action: 'repaired' })
    counters.countDrift({ nic: null, kind: 'vcpus', writer: 'kernel', action: 'accepted' })
    counters.countDrift({ nic: 'eth9', kind: 'nic-removed', writer: 'unknown', action: 'accepted' })
    counters.countConflictBackoff('eth2')
    counters.countConflictBackoff('eth9')
    counters.countGuardReduction('eth2')
    counters.countRevert('eth2')
    counters.countWrite('done')
    counters.countWrite('done')
    counters.countFailure()
    const after = samples(renderMetrics(counters.families(['eth2'])))
    expect(after.map((line) => line.replace(/ .*/, ''))).toEqual(
      before.map((line) => line.replace(/ .*/, '')),
    )
    expect(after.filter((line) => !line.endsWith(' 0'))).toEqual([
      'vqtune_nic_drift_total{nic="eth2",kind="channels"} 1',
      'vqtune_guest_changes_total{kind="vcpus"} 1',
      'vqtune_guest_changes_total{kind="nic-removed"} 1',
      'vqtune_drift_actions_total{action="repaired"} 1',
      'vqtune_drift_actions_total{action="accepted"} 2',
      'vqtune_drift_writers_total{writer="unknown"} 1',
      'vqtune_drift_writers_total{writer="kernel"} 1',
      'vqtune_drift_writers_total{writer="tuned"} 1',
      'vqtune_writes_total{result="done"} 2',
      'vqtune_conflict_backoffs_total{nic="eth2"} 1',
      'vqtune_reconcile_failures_total 1',
      'vqtune_guard_reductions_total{nic="eth2"} 1',
      'vqtune_confirm_reverts_total{nic="eth2"} 1',
    ])
    expect(samples(renderMetrics(counters.families([]))).join()).not.toContain('nic=')
  })
})

describe('journal lines', () => {
  it.each([
    [60, 2],
    [50, 3],
    [40, 4],
    [30, 6],
    [20, 7],
  ])('level %i has priority %i', (level, priority) => {
    expect(journalLine(level, '{"msg":"x"}\n')).toBe(`<${priority}>{"msg":"x"}\n`)
  })

  it('are written only to the stream that systemd made', () => {
    expect(isJournal('8:42', { dev: 8, ino: 42 })).toBe(true)
    expect(isJournal('8:42', { dev: 8, ino: 43 })).toBe(false)
    expect(isJournal(undefined, { dev: 8, ino: 42 })).toBe(false)
  })
})
