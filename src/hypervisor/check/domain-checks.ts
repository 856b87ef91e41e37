/** Findings about a guest as a whole: file descriptors, interrupts, locked memory, who writes its XML. Pure. */
import { shellQuote } from '../../text/escape'
import { plural } from '../../text/plural'
import { MANAGERS } from '../guest/managers'
import { type Domain, isVirtio, offeredQueues } from '../libvirt/domain'
import { estimateFds, FDS_PER_QUEUE, suggestMaxFiles, unknownFiles } from '../qemu/fd-estimate'
import {
  interruptRoutes,
  lockedKib,
  MAX_ROUTES,
  newDiskRoutes,
  nicRoutes,
  PLATFORM_ROUTES,
} from '../qemu/guest-limits'
import type { Finding } from './finding'
import { checkNic } from './nic-checks'
import type { ObservedDomain, ObservedHypervisor } from './observe'
import { powerCycle, queuesForVcpus } from './remedies'
import { vcpusOf, viewNics } from './view'

/** Above this share of its limit a running QEMU is called full. */
const FULL_SHARE = 0.9
/**
 * Vectors that an x86 guest has left on each vCPU for devices: 256 less exceptions and system vectors, with room
 * for disks and others. Beyond that virtio_net falls back to one interrupt for all queues.
 */
const DEVICE_VECTORS_PER_VCPU = 200

/** All findings of all guests, in the order of guests and NICs. */
export function checkHypervisor(seen: ObservedHypervisor): readonly Finding[] {
  return [
    ...seen.domains.flatMap((domain) => [
      ...checkDomain(domain, seen),
      ...viewNics(domain, seen.links, seen.pools).flatMap((view) => checkNic(view, seen)),
    ]),
    ...seen.unanswered.map(
      ({ name, why }): Finding => ({
        severity: 'warning',
        who: 'host',
        domain: name,
        nic: undefined,
        code: 'no-answer',
        text: `nothing is known of it: ${why}`,
        remedy: undefined,
      }),
    ),
  ]
}

function checkDomain(domain: ObservedDomain, seen: ObservedHypervisor): readonly Finding[] {
  return [
    ...checkWriter(domain),
    ...checkCommandLineNics(domain),
    ...checkOpenFiles(domain, seen),
    ...checkNextLimit(domain, seen),
    ...checkHotPlug(domain),
    ...checkUnknownFiles(domain),
    ...checkVectorBudget(domain),
    ...checkRoutes(domain),
    ...checkLockedMemory(domain),
  ]
}

type Draft = Omit<Finding, 'domain' | 'nic'>

function about(domain: ObservedDomain, finding: Draft): Finding[] {
  return [{ ...finding, domain: domain.name, nic: undefined }]
}

function configurationOf(domain: ObservedDomain): Domain | undefined {
  return domain.inactive ?? domain.live
}

/** Whose word counts: a manager's, nobody's, or libvirt's. */
function checkWriter(domain: ObservedDomain): readonly Finding[] {
  const manager = configurationOf(domain)?.manager
  if (manager !== undefined) {
    return about(domain, {
      severity: 'info',
      who: 'host',
      code: 'manager',
      text: `${MANAGERS[manager].title} writes its XML anew at each start: what is changed here is lost then`,
      remedy: undefined,
    })
  }
  if (domain.inactive !== undefined) return []
  return about(domain, {
    severity: 'info',
    who: 'host',
    code: 'transient',
    text:
      domain.stack === 'qemu'
        ? `shown from its command line, to be changed where it is started${domain.startedBy === undefined ? '' : `, by ${domain.startedBy}`}`
        : 'transient: no stored configuration to change',
    remedy: undefined,
  })
}

function checkCommandLineNics(domain: ObservedDomain): readonly Finding[] {
  return (configurationOf(domain)?.commandLineNics ?? []).flatMap((nic) => {
    const queues = queuesForVcpus(vcpusOf(domain))
    const offered = nic.multiqueue ? nic.queues : 1
    return about(domain, {
      severity: offered < vcpusOf(domain).current && nic.device.startsWith('virtio') ? 'warning' : 'info',
      who: 'host',
      code: 'command-line-nic',
      text: `${nic.device} ${nic.mac ?? 'without a MAC'} comes from qemu:commandline, with ${plural(offered, 'queue')}: libvirt does not know it, and set-queues leaves it alone`,
      remedy: `virsh edit ${shellQuote(domain.name)}: queues=${queues} in its -netdev, mq=on,vectors=${2 * queues + 2} in its -device`,
    })
  })
}

/** The running QEMU against its own limit. */
function checkOpenFiles(domain: ObservedDomain, seen: ObservedHypervisor): readonly Finding[] {
  const files = domain.process?.openFiles
  if (files?.used === undefined || files.used < files.limit * FULL_SHARE) return []
  return about(domain, {
    severity: 'error',
    who: 'host',
    code: 'open-files-full',
    text: `QEMU has ${files.used} of ${files.limit} files open`,
    remedy:
      domain.stack === 'libvirt'
        ? `vqtune host max-files --apply, restart ${seen.daemon?.unit ?? 'the daemon'}, then ${powerCycle({ domain })}`
        : `raise its limit now: prlimit --pid ${domain.process?.pid ?? 'PID'} --nofile=${suggestMaxFiles([files.used])}, and where it is started`,
  })
}

/** The next start against the limit that it will get. */
function checkNextLimit(domain: ObservedDomain, seen: ObservedHypervisor): readonly Finding[] {
  if (domain.inactive === undefined || domain.stack !== 'libvirt') return []
  const limit = nextLimit(seen)
  const needed = estimateFds(domain.inactive)
  if (limit === undefined || needed <= limit) return []
  const source = seen.maxFiles ? 'max_files in qemu.conf' : "the daemon's own limit"
  return about(domain, {
    severity: 'error',
    who: 'host',
    code: 'open-files-low',
    text: `needs up to ${needed} open files at its next start, and gets ${limit} (${source})`,
    remedy: `vqtune host max-files ${suggestMaxFiles([needed])} --apply`,
  })
}

/** Open files that a guest started now may have; undefined when it cannot be known. */
export function nextLimit(seen: Pick<ObservedHypervisor, 'maxFiles' | 'daemon'>): number | undefined {
  if (seen.maxFiles === undefined) return undefined
  return seen.maxFiles > 0 ? seen.maxFiles : seen.daemon?.openFiles?.limit
}

/** What is left of the running QEMU's limit when one more NIC comes. */
function checkHotPlug(domain: ObservedDomain): readonly Finding[] {
  const files = domain.process?.openFiles
  if (domain.live === undefined || files?.used === undefined || files.used >= files.limit * FULL_SHARE)
    return []
  const queues = queuesForVcpus(vcpusOf(domain))
  const needed = FDS_PER_QUEUE * queues
  const left = files.limit - files.used
  if (left >= needed) return []
  return about(domain, {
    severity: 'warning',
    who: 'host',
    code: 'hot-plug-files',
    text: `one more NIC of ${plural(queues, 'queue')} needs ${needed} files, and ${left} of ${files.limit} are left: plugging it in fails`,
    remedy: `for this run: prlimit --pid ${domain.process?.pid ?? 'PID'} --nofile=${suggestMaxFiles([files.used + needed])}; for later starts: vqtune host max-files --apply`,
  })
}

function checkUnknownFiles(domain: ObservedDomain): readonly Finding[] {
  const configuration = configurationOf(domain)
  const unknown = configuration === undefined ? [] : unknownFiles(configuration)
  if (unknown.length === 0) return []
  return about(domain, {
    severity: 'info',
    who: 'host',
    code: 'files-unknown',
    text: `open files beside the estimate: ${unknown.join(', ')}; how many, nothing here tells`,
    remedy: undefined,
  })
}

function checkVectorBudget(domain: ObservedDomain): readonly Finding[] {
  const configuration = configurationOf(domain)
  if (configuration === undefined || !/^(?:x86_64|i686)$/.test(configuration.arch)) return []
  const needed = configuration.interfaces
    .filter(isVirtio)
    .reduce((sum, nic) => sum + nicRoutes(offeredQueues(nic)), 0)
  const { current } = vcpusOf(domain)
  const budget = current * DEVICE_VECTORS_PER_VCPU
  if (needed <= budget) return []
  return about(domain, {
    severity: 'warning',
    who: 'host',
    code: 'vector-budget',
    text: `its NICs need ${needed} interrupt vectors, but ${current} vCPUs provide about ${budget}: some NIC falls back to one shared interrupt`,
    remedy: fewerQueues(domain),
  })
}

function fewerQueues(domain: ObservedDomain): string {
  const manager = configurationOf(domain)?.manager
  if (manager !== undefined) return `fewer queues or NICs, by ${MANAGERS[manager].title}`
  return domain.inactive === undefined
    ? 'fewer queues or NICs, where it is started'
    : `fewer queues: vqtune host set-queues ${shellQuote(domain.name)} N --apply`
}

/** KVM's table of interrupt routes is the guest's, not a device's: the device that finds it full ends QEMU. */
function checkRoutes(domain: ObservedDomain): readonly Finding[] {
  const configuration = configurationOf(domain)
  if (configuration === undefined || configuration.type === 'qemu') return []
  const { routes, unknown } = interruptRoutes(configuration)
  const beside = unknown > 0 ? `, those of ${plural(unknown, 'passed-through device')} not counted` : ''
  const used = `its virtio devices take ${routes} of KVM's ${MAX_ROUTES} interrupt routes${beside}`
  const left = MAX_ROUTES - PLATFORM_ROUTES - routes
  if (left < 0) {
    return about(domain, {
      severity: 'error',
      who: 'host',
      code: 'interrupt-routes',
      text: `${used}, and the platform some ${PLATFORM_ROUTES}: QEMU ends when the guest's drivers have asked for them all`,
      remedy: fewerQueues(domain),
    })
  }
  const queues = queuesForVcpus(vcpusOf(domain))
  const nic = nicRoutes(queues)
  const disk = newDiskRoutes(configuration)
  if (left >= Math.max(nic, disk)) return []
  return about(domain, {
    severity: 'warning',
    who: 'host',
    code: 'interrupt-routes',
    text: `${used}, some ${left} are left: the next hot-plug of a NIC of ${plural(queues, 'queue')} (${nic})${left < disk ? ` or a disk (${disk})` : ''} ends QEMU, and the guest with it`,
    remedy: `no hot-plug; ${fewerQueues(domain)}`,
  })
}

/** Memory that VFIO and vDPA lock, against what QEMU may lock. */
function checkLockedMemory(domain: ObservedDomain): readonly Finding[] {
  const configuration = configurationOf(domain)
  const needed = configuration === undefined ? undefined : lockedKib(configuration)
  if (configuration === undefined || needed === undefined) return []
  const hard = configuration.hardLimitKib
  if (hard !== undefined && hard < needed) {
    return about(domain, {
      severity: 'warning',
      who: 'host',
      code: 'locked-memory',
      text: `passed-through devices lock all of its memory: up to ${mib(needed)} MiB, and <hard_limit> allows ${mib(hard)} MiB: the start or the next hot-plug may fail`,
      remedy: `virsh memtune ${shellQuote(domain.name)} --hard-limit ${needed} --config`,
    })
  }
  const limit = domain.process?.lockedKib
  if (limit !== undefined && configuration.memoryKib !== undefined && limit < configuration.memoryKib) {
    return about(domain, {
      severity: 'warning',
      who: 'host',
      code: 'locked-memory',
      text: `passed-through devices lock all of its memory, ${mib(configuration.memoryKib)} MiB, and QEMU may lock ${mib(limit)} MiB: the next hot-plug of such a device fails`,
      remedy: `prlimit --pid ${domain.process?.pid ?? 'PID'} --memlock=${needed * 1024}`,
    })
  }
  return []
}

function mib(kib: number): number {
  return Math.round(kib / 1024)
}
