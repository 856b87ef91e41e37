/** What `vqtune host check` finds, as a type. */

export const SEVERITIES = [
  /** The guest does not start, or stops working under load. */
  'error',
  /** Throughput is lost, or a change is pending. */
  'warning',
  /** Worth knowing; needs no action. */
  'info',
] as const
export type Severity = (typeof SEVERITIES)[number]

export const RESPONSIBLE = ['host', 'guest'] as const

export interface Finding {
  readonly severity: Severity
  /** Who must act: on the hypervisor, or inside the guest. */
  readonly who: (typeof RESPONSIBLE)[number]
  readonly domain: string
  /** MAC; undefined when it is about the guest as a whole. */
  readonly nic: string | undefined
  readonly code: FindingCode
  /** One sentence without a full stop. */
  readonly text: string
  /** What to do, a command where there is one; several lines where it takes several steps. */
  readonly remedy: string | undefined
}

export const FINDING_CODES = [
  'not-virtio',
  'type-without-multiqueue',
  'single-queue',
  'queues-ignored',
  'fewer-queues-than-vcpus',
  'more-queues-than-vcpus',
  'too-many-queues',
  'unused-queues',
  'pending-power-off',
  'pending-plug',
  'live-only',
  'userspace-driver',
  'vhost-missing',
  'emulated',
  'few-vectors',
  'vector-budget',
  'open-files-full',
  'open-files-low',
  'transient',
  'manager',
  'passed-through',
  'tap-flags',
  'tap-missing',
  'backend-queues',
  'interrupt-routes',
  'hot-plug-files',
  'files-unknown',
  'locked-memory',
  'command-line-nic',
  'no-answer',
] as const
export type FindingCode = (typeof FINDING_CODES)[number]

const RANK: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 }

/** Worst first, else in the order found. */
export function bySeverity(findings: readonly Finding[]): readonly Finding[] {
  return [...findings].sort((a, b) => RANK[a.severity] - RANK[b.severity])
}

/** True when `--check` must exit with 3. */
export function needsAction(findings: readonly Finding[]): boolean {
  return findings.some((finding) => finding.severity !== 'info')
}
