import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS } from '../../../src/config/settings'
import { DaemonCounters, guestFamilies, lastCheck } from '../../../src/daemon/metrics'
import { renderMetrics } from '../../../src/daemon/prometheus'
import { NOT_ASKED } from '../../../src/irqbalance/ask'
import { guestOf, nicOf } from '../../support/simulated-kernel'

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
        settingChanges: [],
        regressionHolds: new Map(),
        irqbalance: {
          ...NOT_ASKED,
          pid: 812,
          nics: [{ virtio: 'virtio2', ifindex: 2, name: 'eth2', irqs: [26, 27, 28, 29] }],
        },
        deadQueues: new Map(),
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
      'vqtune_nic_irqbalance_interrupts{nic="eth2"} 4',
      'vqtune_nic_dead_queues{nic="eth2"} 0',
      'vqtune_nic_drifted_settings{nic="eth2"} 1',
      'vqtune_nic_state{nic="eth2",state="drift"} 1',
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
    counters.countDrift({ nic: null, kind: 'maximum', writer: 'kernel', action: 'accepted' })
    counters.countDrift({ nic: 'eth9', kind: 'nic-removed', writer: 'unknown', action: 'accepted' })
    counters.countConflictBackoff('eth2')
    counters.countConflictBackoff('eth9')
    counters.countGuardReduction('eth2')
    counters.countRevert('eth2')
    counters.countWrite('done')
    counters.countWrite('done')
    counters.countFailure()
    const after = samples(renderMetrics(counters.families(['eth2'])))
    const series = (lines: readonly string[]) => lines.map((line) => line.replace(/ .*/, ''))
    // Those of rare changes and of writers that are rare begin with their first event.
    const writers = ['tuned', 'kernel'].map((writer) => `vqtune_drift_writers_total{writer="${writer}"}`)
    expect(series(after).filter((name) => !series(before).includes(name))).toEqual([
      'vqtune_guest_changes_total{kind="maximum"}',
      ...writers,
    ])
    expect(series(before).filter((name) => !series(after).includes(name))).toEqual([])
    expect(after.filter((line) => !line.endsWith(' 0'))).toEqual([
      'vqtune_nic_drift_total{nic="eth2",kind="channels"} 1',
      'vqtune_guest_changes_total{kind="vcpus"} 1',
      'vqtune_guest_changes_total{kind="nic-removed"} 1',
      'vqtune_guest_changes_total{kind="maximum"} 1',
      'vqtune_drift_actions_total{action="repaired"} 1',
      'vqtune_drift_actions_total{action="accepted"} 3',
      'vqtune_drift_writers_total{writer="unknown"} 1',
      'vqtune_drift_writers_total{writer="tuned"} 1',
      'vqtune_drift_writers_total{writer="kernel"} 2',
      'vqtune_writes_total{result="done"} 2',
      'vqtune_conflict_backoffs_total{nic="eth2"} 1',
      'vqtune_reconcile_failures_total 1',
      'vqtune_guard_reductions_total{nic="eth2"} 1',
      'vqtune_confirm_reverts_total{nic="eth2"} 1',
    ])
    expect(samples(renderMetrics(counters.families([]))).join()).not.toContain('nic=')
  })
})
