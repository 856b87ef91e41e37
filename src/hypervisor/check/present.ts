/** The forms of `vqtune host check`: JSON, and rows for the tables. Pure. */
import { offeredQueues } from '../libvirt/domain'
import { estimateFds } from '../qemu/fd-estimate'
import { nextLimit } from './domain-checks'
import type { Finding } from './finding'
import type { ObservedDomain, ObservedHypervisor } from './observe'
import { type NicView, vcpusOf, viewNics } from './view'

/** See src/output/schemas/host-check.ts. */
export function checkJson(seen: ObservedHypervisor, findings: readonly Finding[]): object {
  return {
    uri: seen.uri,
    daemon: seen.daemon === undefined ? null : { unit: seen.daemon.unit, pid: seen.daemon.pid ?? null },
    maxFiles: seen.maxFiles ?? null,
    domains: seen.domains.map((domain) => ({
      name: domain.name,
      uuid: domain.uuid,
      type: (domain.live ?? domain.inactive)?.type ?? '',
      running: domain.live !== undefined,
      persistent: domain.inactive !== undefined,
      vcpus: vcpusOf(domain),
      openFiles: {
        used: domain.process?.openFiles?.used ?? null,
        limit: finite(domain.process?.openFiles?.limit),
        needed: domain.inactive === undefined ? null : estimateFds(domain.inactive),
        nextLimit: finite(nextLimit(seen)),
      },
      nics: viewNics(domain, seen.links).map(nicJson),
    })),
    findings: findings.map((finding) => ({
      ...finding,
      nic: finding.nic ?? null,
      remedy: finding.remedy ?? null,
    })),
  }
}

function nicJson(view: NicView): object {
  const { mac, live, inactive, configured, link } = view
  return {
    mac,
    type: configured.type,
    model: configured.model ?? null,
    source: configured.source ?? null,
    target: live?.target ?? null,
    driver: { live: live?.driver ?? null, configured: inactive?.driver ?? null },
    queues: {
      live: live === undefined ? null : offeredQueues(live),
      configured: inactive === undefined ? null : offeredQueues(inactive),
      active: activeQueues(view) ?? null,
      unused: link?.tapQueues?.unused ?? null,
    },
  }
}

function finite(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : value
}

/** Queue pairs that the guest's driver uses; undefined when the host cannot see it (macvtap, vhost-user, vDPA). */
function activeQueues({ live, link }: NicView): number | undefined {
  if (live === undefined) return undefined
  if (link?.tapQueues !== undefined) return link.tapQueues.active
  return offeredQueues(live) === 1 ? 1 : undefined
}

export const NIC_HEAD = [
  'GUEST',
  'MAC',
  'TYPE',
  'MODEL',
  'DRIVER',
  'VCPUS',
  'QUEUES',
  'USED',
  'FILES',
] as const

/** One row for each NIC; a guest without one gets a row, too. */
export function nicRows(seen: ObservedHypervisor): readonly (readonly string[])[] {
  return seen.domains.flatMap((domain) => {
    const views = viewNics(domain, seen.links)
    const files = filesCell(domain)
    if (views.length === 0) return [[domain.name, '-', '-', '-', '-', vcpusCell(domain), '-', '-', files]]
    return views.map((view) => [
      domain.name,
      view.mac,
      view.configured.type,
      view.configured.model ?? 'default',
      view.configured.driver ?? 'default',
      vcpusCell(domain),
      queuesCell(view),
      view.live === undefined ? '-' : String(activeQueues(view) ?? '?'),
      files,
    ])
  })
}

function vcpusCell(domain: ObservedDomain): string {
  const { current, maximum } = vcpusOf(domain)
  return current === maximum ? String(current) : `${current} of ${maximum}`
}

function queuesCell({ live, inactive }: NicView): string {
  const now = live === undefined ? undefined : String(offeredQueues(live))
  const next = inactive === undefined ? undefined : String(offeredQueues(inactive))
  if (now === undefined) return next ?? '-'
  return next === undefined || next === now ? now : `${now}, then ${next}`
}

function filesCell(domain: ObservedDomain): string {
  if (domain.live === undefined) return 'off'
  const files = domain.process?.openFiles
  return files === undefined
    ? '?'
    : `${files.used ?? '?'} of ${Number.isFinite(files.limit) ? files.limit : 'unlimited'}`
}

/** `error  host   web01 52:54:..: text` with the remedy below. */
export function findingLines(finding: Finding): readonly string[] {
  const where = finding.nic === undefined ? finding.domain : `${finding.domain} ${finding.nic}`
  const line = `${finding.severity} (${finding.who}) ${where}: ${finding.text}`
  return finding.remedy === undefined ? [line] : [line, `  -> ${finding.remedy}`]
}
