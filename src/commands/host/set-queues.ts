/** `vqtune host set-queues DOMAIN N|vcpus`: edits the stored XML of a guest. A dry run with a diff unless --apply. */

import { EXIT, VqtuneError } from '../../errors'
import { hidePasswords, unifiedDiff } from '../../hypervisor/change/diff'
import { changeDomain } from '../../hypervisor/change/domain-change'
import { nextLimit } from '../../hypervisor/check/domain-checks'
import { askPools, readMaxFiles } from '../../hypervisor/check/observe'
import { startProblems } from '../../hypervisor/check/start-checks'
import { isFromPool, pairInterfaces } from '../../hypervisor/check/view'
import { MANAGERS } from '../../hypervisor/guest/managers'
import { readDaemon } from '../../hypervisor/libvirt/daemon'
import { type Domain, offeredQueues, parseDomain } from '../../hypervisor/libvirt/domain'
import { setInterfaceQueues } from '../../hypervisor/libvirt/driver-edit'
import { parseQueueRequest, queuesProblem, resolveQueues } from '../../hypervisor/libvirt/queue-request'
import type { DomainRef } from '../../hypervisor/libvirt/virsh-output'
import { readHostDevices } from '../../hypervisor/network/host-devices'
import { estimateFds, MIN_MAX_FILES } from '../../hypervisor/qemu/fd-estimate'
import { interruptRoutes, MAX_ROUTES, PLATFORM_ROUTES } from '../../hypervisor/qemu/guest-limits'
import { remedyLines } from '../../output/host-check'
import { shellQuote } from '../../text/escape'
import type { CommandContext } from '../command'
import { type ChangeReport, reportChange } from './change-report'
import { virshOf } from './connection'
import { setProxmoxQueues } from './set-queues-proxmox'
import { usesProxmox } from './stacks'

export async function run(context: CommandContext): Promise<number> {
  const [name = '', count = ''] = context.positionals
  const request = parseQueueRequest(count)
  const named = typeof context.options.nic === 'string' ? context.options.nic : undefined
  if (usesProxmox(context)) return setProxmoxQueues(context, name, request, named)
  const virsh = virshOf(context)
  const ref = await virsh.domain(name)
  const info = await virsh.info(ref)
  if (info.get('Persistent') === 'no') {
    throw new VqtuneError(
      'unsupported',
      `${ref.name}: transient: no stored configuration to change; for alternatives: vqtune host check ${shellQuote(ref.name)}`,
    )
  }
  const apply = context.options.apply === true
  // The dry run stays on the read-only connection; only the real edit needs the passwords in the XML.
  const before = apply ? await virsh.inactiveXmlForEdit(ref) : await virsh.inactiveXml(ref)
  const domain = parseDomain(before, `${ref.name}: virsh dumpxml --inactive`)
  const live =
    info.get('State') === 'shut off'
      ? undefined
      : parseDomain(await virsh.liveXml(ref), `${ref.name}: virsh dumpxml`)
  const pools = await askPools(virsh, [domain])
  const targets = resolveQueues(domain, request, named, { live, isFromPool: (nic) => isFromPool(nic, pools) })
  const { nics, queues } = targets
  const stale = nics.filter((nic) => offeredQueues(nic) !== queues)
  const report: ChangeReport = {
    verb: 'set-queues',
    target: ref.name,
    applied: false,
    diff: '',
    backup: undefined,
    notes: targets.notes,
    next: [],
  }
  if (stale.length === 0) {
    const already = `${ref.name}: already configured: ${queues} queues for ${nics.map((nic) => nic.mac).join(', ')}`
    await reportChange(context, { ...report, next: [already, ...remaining(ref, info, domain, live)] })
    return EXIT.converged
  }
  const after = setInterfaceQueues(before, stale, queues)
  const planned = parseDomain(after, `${ref.name}: the new XML`)
  const problem = queuesProblem(planned, targets)
  if (problem !== undefined)
    throw new VqtuneError(
      'tool-failed',
      `${ref.name}: the new XML is not as intended: ${problem}; nothing was changed`,
    )
  const { warnings, fatal } = await judge(
    context,
    planned,
    live,
    nics.map(({ index }) => index),
  )
  const diff = hidePasswords(unifiedDiff(`${ref.name}.xml`, before, after))
  const planOnly = { ...report, diff, notes: [...targets.notes, ...warnings], next: openFilesNote(planned) }
  if (!apply) {
    const how =
      fatal === undefined ? '--apply defines it' : '--apply refuses it, --apply --force defines it anyway'
    await reportChange(context, {
      ...planOnly,
      next: [...planOnly.next, `dry run: nothing was changed; ${how}`],
    })
    return EXIT.converged
  }
  if (fatal !== undefined && context.options.force !== true) {
    throw new VqtuneError(
      'unsupported',
      `${ref.name}: ${fatal}; nothing was changed; --force defines it anyway`,
    )
  }
  const backup = await changeDomain(context.system, virsh, {
    action: 'set-queues',
    domain: ref,
    before,
    after,
    verify: (xml) => queuesProblem(parseDomain(xml, `${ref.name}: virsh dumpxml --inactive`), targets),
  })
  await reportChange(context, {
    ...planOnly,
    applied: true,
    backup: backup.id,
    next: [
      ...planOnly.next,
      `${ref.name}: defined; to undo: vqtune host undo ${backup.id} --apply`,
      ...remaining(ref, info, planned, live),
    ],
  })
  return EXIT.converged
}

/** What stands against the change. @returns fatal: why it would be lost, or the next start fail */
async function judge(
  context: CommandContext,
  planned: Domain,
  live: Domain | undefined,
  changed: readonly number[],
): Promise<{ warnings: readonly string[]; fatal: string | undefined }> {
  const { system } = context
  const devices = await readHostDevices(system, [planned])
  const pairs = pairInterfaces(planned, live)
  const problems = planned.interfaces
    .filter(({ index }) => changed.includes(index))
    .flatMap((nic) =>
      startProblems(nic, devices, pairs.find((pair) => pair.inactive === nic)?.live).map((found) => ({
        ...found,
        text: `${nic.mac}: ${found.text}`,
      })),
    )
  const whole = [
    ...managerProblem(planned),
    ...filesProblem(planned, nextLimit({ maxFiles: readMaxFiles(system), daemon: await readDaemon(system) })),
    ...routesProblem(planned),
  ]
  const found = [...whole, ...problems]
  return {
    warnings: found.flatMap(({ text, remedy }) => [
      text,
      ...(remedy === undefined ? [] : remedyLines(remedy)),
    ]),
    fatal: found.find((each) => each.fatal)?.text,
  }
}

interface Problem {
  readonly text: string
  readonly remedy: string | undefined
  readonly fatal: boolean
}

function managerProblem({ manager, vcpus }: Domain): readonly Problem[] {
  if (manager === undefined) return []
  const { title, setting } = MANAGERS[manager]
  return [
    {
      text: `${title} writes its XML anew at each start: the change would be lost`,
      remedy: setting(vcpus.maximum),
      fatal: true,
    },
  ]
}

function filesProblem(planned: Domain, limit: number | undefined): readonly Problem[] {
  const needed = estimateFds(planned)
  if (limit === undefined || needed <= limit) return []
  return [
    {
      text: `QEMU would need up to ${needed} open files and gets ${limit}: the next start may fail`,
      remedy: 'vqtune host max-files --apply, first',
      fatal: true,
    },
  ]
}

function routesProblem(planned: Domain): readonly Problem[] {
  const { routes } = interruptRoutes(planned)
  if (planned.type === 'qemu' || routes <= MAX_ROUTES - PLATFORM_ROUTES) return []
  return [
    {
      text: `its virtio devices would take ${routes} of KVM's ${MAX_ROUTES} interrupt routes: QEMU ends when the drivers have asked for them all`,
      remedy: 'fewer queues or NICs',
      fatal: true,
    },
  ]
}

/** What the administrator has left to do. */
function remaining(
  ref: DomainRef,
  info: ReadonlyMap<string, string>,
  configured: Domain,
  live: Domain | undefined,
): readonly string[] {
  const waits = pairInterfaces(configured, live).some(
    (pair) =>
      pair.live !== undefined &&
      pair.inactive !== undefined &&
      offeredQueues(pair.live) !== offeredQueues(pair.inactive),
  )
  return [
    ...(waits
      ? [
          `${ref.name} keeps running with the old queues until it is powered off and started again (a reboot is not enough):`,
          `  virsh shutdown ${shellQuote(ref.name)}; virsh start ${shellQuote(ref.name)}`,
        ]
      : []),
    ...(info.get('Managed save') === 'yes'
      ? [
          `${ref.name} has a managed save image and will start from it with the old queues; to discard it: virsh managedsave-remove ${shellQuote(ref.name)}`,
        ]
      : []),
  ]
}

function openFilesNote(planned: Domain): readonly string[] {
  const needed = estimateFds(planned)
  if (needed < MIN_MAX_FILES / 2) return []
  return [
    `QEMU will need up to ${needed} open files: see vqtune host check ${shellQuote(planned.name)} and vqtune host max-files`,
  ]
}
