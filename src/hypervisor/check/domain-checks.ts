/** Findings about a guest as a whole: file descriptors, interrupt vectors. Pure. */
import { shellQuote } from '../../text/escape'
import { isVirtio, offeredQueues } from '../libvirt/domain'
import { estimateFds, suggestMaxFiles } from '../qemu/fd-estimate'
import type { Finding } from './finding'
import { checkNic } from './nic-checks'
import type { ObservedDomain, ObservedHypervisor } from './observe'
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
  return seen.domains.flatMap((domain) => [
    ...checkDomain(domain, seen),
    ...viewNics(domain, seen.links).flatMap(checkNic),
  ])
}

function checkDomain(domain: ObservedDomain, seen: ObservedHypervisor): readonly Finding[] {
  return [
    ...checkTransient(domain),
    ...checkOpenFiles(domain),
    ...checkNextLimit(domain, seen),
    ...checkVectorBudget(domain),
  ]
}

type Draft = Omit<Finding, 'domain' | 'nic'>

function about(domain: ObservedDomain, finding: Draft): Finding[] {
  return [{ ...finding, domain: domain.name, nic: undefined }]
}

function checkTransient(domain: ObservedDomain): readonly Finding[] {
  if (domain.inactive !== undefined) return []
  return about(domain, {
    severity: 'info',
    who: 'host',
    code: 'transient',
    text: 'transient: no stored configuration to change',
    remedy: undefined,
  })
}

/** The running QEMU against its own limit. */
function checkOpenFiles(domain: ObservedDomain): readonly Finding[] {
  const files = domain.process?.openFiles
  if (files?.used === undefined || files.used < files.limit * FULL_SHARE) return []
  return about(domain, {
    severity: 'error',
    who: 'host',
    code: 'open-files-full',
    text: `QEMU has ${files.used} of ${files.limit} files open`,
    remedy: `vqtune host max-files --apply, restart the daemon, then power ${domain.name} off and start it again`,
  })
}

/** The next start against the limit that it will get. */
function checkNextLimit(domain: ObservedDomain, seen: ObservedHypervisor): readonly Finding[] {
  if (domain.inactive === undefined) return []
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
export function nextLimit(seen: ObservedHypervisor): number | undefined {
  if (seen.maxFiles === undefined) return undefined
  return seen.maxFiles > 0 ? seen.maxFiles : seen.daemon?.openFiles?.limit
}

function checkVectorBudget(domain: ObservedDomain): readonly Finding[] {
  const configuration = domain.inactive ?? domain.live
  if (configuration === undefined || !/^(?:x86_64|i686)$/.test(configuration.arch)) return []
  const needed = configuration.interfaces
    .filter(isVirtio)
    .reduce((sum, nic) => sum + 2 * offeredQueues(nic) + 1, 0)
  const { current } = vcpusOf(domain)
  const budget = current * DEVICE_VECTORS_PER_VCPU
  if (needed <= budget) return []
  return about(domain, {
    severity: 'warning',
    who: 'host',
    code: 'vector-budget',
    text: `its NICs need ${needed} interrupt vectors, but ${current} vCPUs provide about ${budget}: some NIC falls back to one shared interrupt`,
    remedy: `fewer queues: vqtune host set-queues ${shellQuote(domain.name)} vcpus --apply`,
  })
}
