/** The output of `vqtune host check`. Pure. */

import { nextLimit } from '../hypervisor/check/domain-checks'
import { type Finding, needsAction } from '../hypervisor/check/finding'
import type { ObservedDomain, ObservedHypervisor } from '../hypervisor/check/observe'
import { type NicView, vcpusOf, viewNics } from '../hypervisor/check/view'
import { type Domain, kindOf, offeredQueues } from '../hypervisor/libvirt/domain'
import type { CommandLineNic } from '../hypervisor/qemu/command-line'
import { estimateFds, unknownFiles } from '../hypervisor/qemu/fd-estimate'
import { interruptRoutes, lockedKib, MAX_ROUTES } from '../hypervisor/qemu/guest-limits'
import { paint } from '../text/paint'
import { renderTable } from '../text/table'

/** See src/output/schemas/host-check.ts. */
export function checkJson(seen: ObservedHypervisor, findings: readonly Finding[]): object {
  return {
    uri: seen.uri,
    daemon: seen.daemon === undefined ? null : { unit: seen.daemon.unit, pid: seen.daemon.pid ?? null },
    maxFiles: seen.maxFiles ?? null,
    unanswered: seen.unanswered,
    domains: seen.domains.map((domain) => ({
      name: domain.name,
      title: domain.title ?? null,
      uuid: domain.uuid,
      stack: domain.stack,
      manager: configurationOf(domain)?.manager ?? null,
      guestOs: configurationOf(domain)?.guestOs ?? null,
      type: (domain.live ?? domain.inactive)?.type ?? '',
      running: domain.live !== undefined,
      persistent: domain.inactive !== undefined,
      vcpus: vcpusOf(domain),
      openFiles: {
        used: domain.process?.openFiles?.used ?? null,
        limit: finite(domain.process?.openFiles?.limit),
        needed: domain.inactive === undefined ? null : estimateFds(domain.inactive),
        nextLimit: domain.stack === 'libvirt' ? finite(nextLimit(seen)) : null,
        unknown: configured(domain, unknownFiles) ?? [],
      },
      interruptRoutes: {
        used: configured(domain, (configuration) => interruptRoutes(configuration).routes) ?? null,
        limit: MAX_ROUTES,
      },
      lockedMemoryKib: configured(domain, lockedKib) ?? null,
      commandLineNics: (configurationOf(domain)?.commandLineNics ?? []).map(commandLineNicJson),
      nics: viewNics(domain, seen.links, seen.pools).map(nicJson),
    })),
    findings: findings.map((finding) => ({
      ...finding,
      nic: finding.nic ?? null,
      remedy: finding.remedy ?? null,
    })),
  }
}

function configurationOf({ inactive, live }: ObservedDomain): Domain | undefined {
  return inactive ?? live
}

function configured<T>(domain: ObservedDomain, what: (configuration: Domain) => T): T | undefined {
  const configuration = configurationOf(domain)
  return configuration === undefined ? undefined : what(configuration)
}

function commandLineNicJson({ mac, device, backend, queues, multiqueue }: CommandLineNic): object {
  return { mac: mac ?? null, device, backend: backend ?? null, queues: multiqueue ? queues : 1 }
}

function nicJson(view: NicView): object {
  const { mac, live, inactive, configured, link } = view
  return {
    mac,
    handle: view.handle,
    kind: view.passthrough ? 'passthrough' : kindOf(configured),
    alias: live?.alias ?? configured.alias ?? null,
    teaming: configured.teaming ?? null,
    type: configured.type,
    model: configured.model ?? null,
    source: configured.source ?? null,
    target: live?.target ?? configured.target ?? null,
    driver: { live: live?.driver ?? null, configured: inactive?.driver ?? null },
    queues: {
      live: live === undefined || view.passthrough ? null : offeredQueues(live),
      configured: inactive === undefined || view.passthrough ? null : offeredQueues(inactive),
      active: activeQueues(view) ?? null,
      unused: link?.tapQueues?.unused ?? null,
    },
  }
}

function finite(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : value
}

/** Queue pairs that the guest's driver uses; undefined when the host cannot see it (macvtap, vhost-user, vDPA). */
function activeQueues({ live, link, passthrough }: NicView): number | undefined {
  if (live === undefined || passthrough) return undefined
  if (link?.tapQueues !== undefined) return link.tapQueues.active
  return offeredQueues(live) === 1 ? 1 : undefined
}

export function checkText(seen: ObservedHypervisor, findings: readonly Finding[], color: boolean): string {
  if (seen.domains.length === 0 && seen.unanswered.length === 0) return `no guest in ${seen.uri}\n`
  const colors = paint(color)
  const paints = { error: colors.bad, warning: colors.warn, info: colors.dim }
  const lines = findings.flatMap((finding) => findingLines(finding).map(paints[finding.severity]))
  if (!needsAction(findings)) lines.push(colors.good('nothing to do'))
  return `${renderTable(NIC_HEAD, nicRows(seen))}\n${lines.join('\n')}\n`
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
    const views = viewNics(domain, seen.links, seen.pools)
    const guest = domain.title === undefined ? domain.name : `${domain.name} (${domain.title})`
    const files = filesCell(domain)
    const rows = [
      ...views.map((view) => nicCells(domain, view)),
      ...(configurationOf(domain)?.commandLineNics ?? []).map((nic) => commandLineCells(domain, nic)),
    ]
    if (rows.length === 0) return [[guest, '-', '-', '-', '-', vcpusCell(domain), '-', '-', files]]
    return rows.map((cells) => [guest, ...cells, files])
  })
}

function nicCells(domain: ObservedDomain, view: NicView): readonly string[] {
  const { mac, configured, passthrough } = view
  if (passthrough) return [mac, configured.type, '-', '-', vcpusCell(domain), '-', '-']
  return [
    mac,
    configured.type,
    configured.model ?? 'default',
    configured.driver ?? 'default',
    vcpusCell(domain),
    queuesCell(view),
    view.live === undefined ? '-' : String(activeQueues(view) ?? '?'),
  ]
}

function commandLineCells(domain: ObservedDomain, nic: CommandLineNic): readonly string[] {
  return [
    nic.mac ?? '-',
    'qemu:commandline',
    nic.device,
    nic.vhost ? 'vhost' : 'default',
    vcpusCell(domain),
    String(nic.multiqueue ? nic.queues : 1),
    domain.live === undefined ? '-' : '?',
  ]
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

/** `error (host) web01 52:54:..: text` with the remedy below, one step a line. */
export function findingLines(finding: Finding): readonly string[] {
  const where = finding.nic === undefined ? finding.domain : `${finding.domain} ${finding.nic}`
  const line = `${finding.severity} (${finding.who}) ${where}: ${finding.text}`
  return finding.remedy === undefined ? [line] : [line, ...remedyLines(finding.remedy)]
}

export function remedyLines(remedy: string): readonly string[] {
  return remedy.split('\n').map((step, i) => (i === 0 ? `  -> ${step}` : `     ${step}`))
}
