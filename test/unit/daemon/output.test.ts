import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS } from '../../../src/config/settings'
import { Counters, guestFamilies } from '../../../src/daemon/metrics'
import { isJournal, journalLine } from '../../../src/output/journal'
import { renderMetrics } from '../../../src/output/prometheus'
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
})

describe('guestFamilies', () => {
  it('shows each NIC, what is missing and what is left alone, each label set once', () => {
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
      checkedAt: 1_800_000_000_999,
    }
    const counters = new Counters()
    counters.countFight('eth2')
    counters.countWrite('done')
    counters.countWrite('done')
    const text = renderMetrics([
      ...guestFamilies({ guest, skips, missing: [], againMs: undefined }, DEFAULT_SETTINGS, health),
      ...counters.families(),
    ])
    expect(
      text.split('\n').filter((line) => line !== '' && !line.startsWith('#') && !line.includes('build_info')),
    ).toEqual([
      'vqtune_vcpus_online 4',
      'vqtune_nic_channels{nic="eth2"} 2',
      'vqtune_nic_channels_target{nic="eth2"} 4',
      'vqtune_nic_channels_wanted{nic="eth2"} 4',
      'vqtune_nic_channels_maximum{nic="eth2"} 4',
      'vqtune_nic_limited_by{nic="eth2",factor="vcpus"} 1',
      'vqtune_nic_private_queues{nic="eth2"} 2',
      'vqtune_nic_missing_writes{nic="eth2"} 1',
      'vqtune_nic_left_alone{nic="eth2",reason="shared-interrupt"} 1',
      'vqtune_event_source_up{source="udev"} 1',
      'vqtune_event_source_up{source="ethtool"} 0',
      'vqtune_config_valid 1',
      'vqtune_last_check_timestamp_seconds 1800000000',
      'vqtune_writes_total{result="done"} 2',
      'vqtune_fights_total{nic="eth2"} 1',
      'vqtune_failures_total 0',
    ])
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
