/** The metrics of the daemon. */

import type { Settings } from '../config/settings'
import { isSettingDrift } from '../drift/classify'
import type { DriftRecord } from '../drift/history'
import { isSameNic } from '../irqbalance/wanted'
import { stateFrom } from '../planner/describe'
import { type NicPlan, planGuest } from '../planner/plan'
import { checkQueueAffinity } from '../planner/queue-affinity'
import { STEP_RESULTS, type StepOutcome } from '../planner/reconcile'
import { VERSION } from '../version'
import type { Family, Sample } from './prometheus'
import type { PassResult } from './reconcile-loop'
import { SeenStates } from './seen-states'

/** With all of them, nearly always 0, they would be more than a third of a fleet's series. */
const USUAL_WRITERS = ['unknown'] as const
const USUAL_KINDS = ['channels', 'irq-affinity', 'xps'] as const
const USUAL_ACTIONS = ['repaired', 'accepted'] as const
const USUAL_GUEST_CHANGES = ['vcpus', 'nic-added', 'nic-removed'] as const

/**
 * Counts since the daemon started. Series exist from the start, at 0, since increase() only sees the first event of a series
 * that existed before it; those of rare writers, kinds and actions begin with their first event, and the shipped rules count it. One
 * counter per label rather than one with all combinations of labels, most of which never occur.
 */
export class DaemonCounters {
  private readonly nicDrift = new Map<string, Map<string, number>>()
  private readonly guestChanges = countsFrom(USUAL_GUEST_CHANGES)
  private readonly actions = countsFrom(USUAL_ACTIONS)
  private readonly writers = countsFrom(USUAL_WRITERS)
  private readonly writes = countsFrom(STEP_RESULTS)
  private readonly conflictBackoffs = new Map<string, number>()
  private readonly guardReductions = new Map<string, number>()
  private readonly reverts = new Map<string, number>()
  private failures = 0

  countDrift({ nic, kind, writer, action }: Pick<DriftRecord, 'nic' | 'kind' | 'writer' | 'action'>): void {
    if (nic !== null && isSettingDrift(kind)) {
      const kinds = this.nicDrift.get(nic) ?? countsFrom(USUAL_KINDS)
      this.nicDrift.set(nic, kinds)
      add(kinds, kind)
    } else add(this.guestChanges, kind)
    add(this.actions, action)
    add(this.writers, writer)
  }

  countWrite(result: StepOutcome['result']): void {
    add(this.writes, result)
  }

  countConflictBackoff(nic: string): void {
    add(this.conflictBackoffs, nic)
  }

  /** The guard, or commit-confirm, reverted a change of channels. */
  countRevert(nic: string): void {
    add(this.reverts, nic)
  }

  countGuardReduction(nic: string): void {
    add(this.guardReductions, nic)
  }

  countFailure(): void {
    this.failures++
  }

  /** @param nics names of the present NICs: counts of others are not shown, so that they cannot pile up */
  families(nics: readonly string[]): readonly Family[] {
    const counter = (name: string, help: string, samples: readonly Sample[]): Family => ({
      name: `${name}_total`,
      type: 'counter',
      help,
      samples,
    })
    const by = (label: string, counts: ReadonlyMap<string, number>): Sample[] =>
      [...counts].map(([value, count]) => ({ labels: { [label]: value }, value: count }))
    const byNic = (counts: ReadonlyMap<string, number>): Sample[] =>
      nics.map((nic) => ({ labels: { nic }, value: counts.get(nic) ?? 0 }))
    return [
      counter(
        'nic_drift',
        'Detected changes of NIC settings, by setting',
        nics.flatMap((nic) =>
          [...(this.nicDrift.get(nic) ?? countsFrom(USUAL_KINDS))].map(([kind, value]) => ({
            labels: { nic, kind },
            value,
          })),
        ),
      ),
      counter(
        'guest_changes',
        'Detected changes of the guest itself, by kind',
        by('kind', this.guestChanges),
      ),
      counter('drift_actions', 'Detected changes, by action taken', by('action', this.actions)),
      counter('drift_writers', 'Detected changes, by writer', by('writer', this.writers)),
      counter('writes', 'Setting writes, by result', by('result', this.writes)),
      counter(
        'conflict_backoffs',
        'Times vqtune backed off after repeated external changes',
        byNic(this.conflictBackoffs),
      ),
      counter('reconcile_failures', 'Passes that did not reach the desired state', [
        { value: this.failures },
      ]),
      counter(
        'guard_reductions',
        'Changes that the guard took back because traffic was worse',
        byNic(this.guardReductions),
      ),
      counter(
        'confirm_reverts',
        'Changes of channels that were reverted because the NIC lost connectivity',
        byNic(this.reverts),
      ),
    ]
  }
}

function countsFrom(names: readonly string[]): Map<string, number> {
  return new Map(names.map((name) => [name, 0]))
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

export interface Health {
  /** Event sources by name, and whether they work. */
  readonly sources: ReadonlyMap<string, boolean>
  /** False after a failed reload. */
  readonly configValid: boolean
  /** Milliseconds since the epoch when the daemon started. */
  readonly startedAt: number
}

/**
 * The guest as the last pass left it.
 * @param seen remembers the states of the NICs; otherwise pure
 */
export function guestFamilies(
  { guest, missing, skips, regressionHolds, irqbalance, deadQueues }: PassResult,
  settings: Settings,
  health: Health,
  seen = new SeenStates(),
): readonly Family[] {
  const plans = planGuest(guest, settings, undefined, regressionHolds)
  // Includes NICs that are suspended by on-conflict or a back-off, or whose writes failed.
  const pending = ({ nic, plan }: NicPlan): number =>
    Math.max(plan.steps.length, missing.filter((step) => step.nic === nic.name).length)
  const perNic = (value: (plan: NicPlan) => number | undefined): Sample[] =>
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
    {
      name: 'build_info',
      type: 'info',
      help: 'Version of the daemon',
      samples: [{ labels: { version: VERSION }, value: 1 }],
    },
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
      'nic_channels_ideal',
      'Queue pairs the NIC should use if its channels could be changed',
      perNic(({ desired }) => desired.idealChannels),
    ),
    gauge(
      'nic_channels_maximum',
      'Queue pairs the host exposes',
      perNic(({ nic }) => nic.channels.maximum),
    ),
    // Only the factor that applies now: fifteen zeros per NIC would add no information.
    gauge(
      'nic_limited_by',
      'Limiting factor of the target',
      plans.map(({ nic, desired }) => ({ labels: { nic: nic.name, factor: desired.limitedBy }, value: 1 })),
    ),
    gauge(
      'nic_private_queues',
      'Queue pairs that are private to their vCPUs',
      perNic(
        ({ nic, desired }) => checkQueueAffinity(nic, desired).filter((verdict) => verdict.private).length,
      ),
    ),
    gauge(
      'nic_irqbalance_interrupts',
      'Interrupts that irqbalance was asked to leave alone, and has confirmed',
      perNic(({ nic }) => irqbalance.nics.find((one) => isSameNic(one, nic))?.irqs.length ?? 0),
    ),
    gauge(
      'nic_dead_queues',
      'Queue pairs that receive nothing while the others are busy, as proven after the daemon raised channels',
      perNic(({ nic }) => deadQueues.get(nic.ifindex)?.queues.length ?? 0),
    ),
    gauge('nic_drifted_settings', 'Settings that differ from the desired state', perNic(pending)),
    seen.family(
      new Map(
        plans.map((nicPlan) => {
          const ofNic = skips.filter(({ nic }) => nic === nicPlan.nic.name)
          return [nicPlan.nic.name, stateFrom(pending(nicPlan), ofNic)]
        }),
      ),
    ),
    gauge(
      'nic_skipped',
      'Settings of the NIC that are not tuned, by reason',
      unique(skips.map(({ nic, code }) => ({ labels: { nic, reason: code }, value: 1 }))),
    ),
    gauge(
      'event_source_up',
      'Whether this event source is working',
      [...health.sources].map(([source, up]) => ({ labels: { source }, value: up ? 1 : 0 })),
    ),
    gauge('config_last_reload_successful', 'Whether the last configuration reload succeeded', [
      { value: health.configValid ? 1 : 0 },
    ]),
    gauge('process_start_time_seconds', 'Time when the daemon started', [
      { value: Math.floor(health.startedAt / 1000) },
    ]),
  ]
}

/** A NIC may be skipped for the same reason in two tunables; a label set may occur only once. */
function unique(samples: readonly Sample[]): readonly Sample[] {
  return [...new Map(samples.map((sample) => [JSON.stringify(sample.labels), sample])).values()]
}

/**
 * For the endpoint only. In the textfile it would cause a write at every check; the collector exports the file's mtime
 * (node_textfile_mtime_seconds), which the daemon sets at every check.
 * @param checkedAt milliseconds since the epoch
 */
export function lastCheck(checkedAt: number): Family {
  return {
    name: 'last_check_timestamp_seconds',
    type: 'gauge',
    help: 'Time of the last check of the guest',
    samples: [{ value: Math.floor(checkedAt / 1000) }],
  }
}
