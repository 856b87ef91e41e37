/** What the daemon counts and shows to Prometheus. */
import type { Settings } from '../config/settings'
import type { DriftRecord } from '../drift/history'
import type { Family, Sample } from '../output/prometheus'
import { planGuest } from '../plan'
import { judgePrivacy } from '../privacy'
import { VERSION } from '../version'
import type { PassResult } from './tuner'

/** Counts since the daemon started. */
export class Counters {
  private readonly drift = new Map<string, { labels: Record<string, string>; value: number }>()
  private readonly writes = new Map<string, number>()
  private readonly fights = new Map<string, number>()
  private failures = 0

  countDrift({ nic, kind, writer, action }: DriftRecord): void {
    const labels = { nic: nic ?? '', kind, writer, action }
    const key = JSON.stringify(labels)
    const entry = this.drift.get(key) ?? { labels, value: 0 }
    entry.value++
    this.drift.set(key, entry)
  }

  countWrite(result: string): void {
    this.writes.set(result, (this.writes.get(result) ?? 0) + 1)
  }

  countFight(nic: string): void {
    this.fights.set(nic, (this.fights.get(nic) ?? 0) + 1)
  }

  countFailure(): void {
    this.failures++
  }

  families(): readonly Family[] {
    const by = (label: string, counts: ReadonlyMap<string, number>): Sample[] =>
      [...counts].map(([value, count]) => ({ labels: { [label]: value }, value: count }))
    return [
      {
        name: 'drift_total',
        type: 'counter',
        help: 'Changes of settings or of the guest that were found',
        samples: [...this.drift.values()],
      },
      {
        name: 'writes_total',
        type: 'counter',
        help: 'Writes of settings, by result',
        samples: by('result', this.writes),
      },
      {
        name: 'fights_total',
        type: 'counter',
        help: 'Times another writer was given way after repeated reversals',
        samples: by('nic', this.fights),
      },
      {
        name: 'failures_total',
        type: 'counter',
        help: 'Passes that did not reach the desired state',
        samples: [{ value: this.failures }],
      },
    ]
  }
}

export interface Health {
  /** Event sources by name: 1 when events arrive. */
  readonly sources: ReadonlyMap<string, boolean>
  /** False after a reload that was refused. */
  readonly configValid: boolean
  /** Milliseconds since the epoch of the last look. */
  readonly checkedAt: number
}

/** The guest as the last pass left it. Pure. */
export function guestFamilies(
  { guest, missing, skips }: PassResult,
  settings: Settings,
  health: Health,
): readonly Family[] {
  const plans = planGuest(guest, settings)
  const perNic = (value: (plan: (typeof plans)[number]) => number | undefined): Sample[] =>
    plans.flatMap((plan) => {
      const number = value(plan)
      return number === undefined ? [] : [{ labels: { nic: plan.nic.name }, value: number }]
    })
  const gauge = (name: string, help: string, samples: readonly Sample[]): Family => ({
    name,
    type: 'gauge',
    help,
    samples,
  })
  return [
    gauge('build_info', 'Version', [{ labels: { version: VERSION }, value: 1 }]),
    gauge('vcpus_online', 'Online vCPUs', [{ value: guest.cpus.online.length }]),
    gauge(
      'nic_channels',
      'Queue pairs in use',
      perNic(({ nic }) => nic.channels.current),
    ),
    gauge(
      'nic_channels_target',
      'Queue pairs the NIC should use now',
      perNic(({ desired }) => desired.target),
    ),
    gauge(
      'nic_channels_wanted',
      'Queue pairs the NIC should use if nothing forbade a change',
      perNic(({ desired }) => desired.wanted),
    ),
    gauge(
      'nic_channels_maximum',
      'Queue pairs the host exposes',
      perNic(({ nic }) => nic.channels.maximum),
    ),
    gauge(
      'nic_limited_by',
      'What keeps the target from being larger',
      plans.map(({ nic, desired }) => ({ labels: { nic: nic.name, factor: desired.limitedBy }, value: 1 })),
    ),
    gauge(
      'nic_private_queues',
      'Queue pairs that are private to their vCPUs',
      perNic(({ nic, desired }) => judgePrivacy(nic, desired).filter((verdict) => verdict.private).length),
    ),
    gauge(
      'nic_missing_writes',
      'Settings that differ from the desired state',
      // Of what is left alone, too: by on-conflict, after a fight, or because writing failed.
      perNic(({ nic, plan }) =>
        Math.max(plan.steps.length, missing.filter((step) => step.nic === nic.name).length),
      ),
    ),
    gauge(
      'nic_left_alone',
      'Settings of the NIC that are not tuned, by reason',
      unique(skips.map(({ nic, code }) => ({ labels: { nic, reason: code }, value: 1 }))),
    ),
    gauge(
      'event_source_up',
      'Whether events arrive from this source',
      [...health.sources].map(([source, up]) => ({ labels: { source }, value: up ? 1 : 0 })),
    ),
    gauge('config_valid', 'Whether the last reload was accepted', [{ value: health.configValid ? 1 : 0 }]),
    gauge('last_check_timestamp_seconds', 'Time of the last look at the guest', [
      { value: Math.floor(health.checkedAt / 1000) },
    ]),
  ]
}

/** A NIC may be skipped for the same reason in two tunables; a label set may come only once. */
function unique(samples: readonly Sample[]): readonly Sample[] {
  return [...new Map(samples.map((sample) => [JSON.stringify(sample.labels), sample])).values()]
}
