/** One observation of a hypervisor: its guests' XML, their QEMU processes, the network devices and libvirt's limits. */
import { VqtuneError } from '../../errors'
import { type Links, requireLinks } from '../../kernel/ip-link'
import type { System } from '../../system/system'
import { readConfigFile } from '../change/safe-file'
import { type LibvirtDaemon, readDaemon } from '../libvirt/daemon'
import { type Domain, parseDomain } from '../libvirt/domain'
import { readNumber } from '../libvirt/qemu-conf'
import type { Virsh } from '../libvirt/virsh'
import type { DomainRef } from '../libvirt/virsh-output'
import { type QemuProcess, readQemuProcess } from '../qemu/process'

export interface ObservedDomain {
  readonly name: string
  readonly uuid: string
  /** undefined: not running. */
  readonly live: Domain | undefined
  /** What the next start uses; undefined for a transient guest. */
  readonly inactive: Domain | undefined
  /** undefined: not running, not QEMU, or run by another libvirt (session mode, another machine). */
  readonly process: QemuProcess | undefined
}

export interface ObservedHypervisor {
  readonly uri: string
  readonly domains: readonly ObservedDomain[]
  readonly links: Links
  /** max_files in qemu.conf, 0 when guests inherit the daemon's limit; undefined when not readable. */
  readonly maxFiles: number | undefined
  readonly daemon: LibvirtDaemon | undefined
}

/** @param only name or UUID of one guest; all guests when undefined. */
export async function observeHypervisor(
  system: System,
  virsh: Virsh,
  only?: string,
): Promise<ObservedHypervisor> {
  const refs = only === undefined ? await virsh.domains() : [await virsh.domain(only)]
  const domains: ObservedDomain[] = []
  for (const ref of refs) {
    const domain = await observeDomain(system, virsh, ref)
    if (domain !== undefined) domains.push(domain)
  }
  return {
    uri: virsh.uri,
    domains,
    links: domains.some((domain) => domain.live !== undefined) ? await requireLinks(system) : new Map(),
    maxFiles: readMaxFiles(system),
    daemon: readDaemon(system),
  }
}

/** @returns undefined when the guest was removed meanwhile. */
async function observeDomain(
  system: System,
  virsh: Virsh,
  ref: DomainRef,
): Promise<ObservedDomain | undefined> {
  let info: ReadonlyMap<string, string>
  try {
    info = await virsh.info(ref)
  } catch (error) {
    if ((await virsh.domains()).some((domain) => domain.uuid === ref.uuid)) throw error
    return undefined
  }
  const running = info.get('State') !== 'shut off'
  const persistent = info.get('Persistent') !== 'no'
  const origin = `${ref.name}: virsh dumpxml`
  return {
    ...ref,
    live: running ? parseDomain(await virsh.liveXml(ref), origin) : undefined,
    inactive: persistent ? parseDomain(await virsh.inactiveXml(ref), `${origin} --inactive`) : undefined,
    process: running ? readQemuProcess(system, ref.name) : undefined,
  }
}

/** qemu.conf is readable by root only on most distributions. @throws VqtuneError when it is wrong. */
function readMaxFiles(system: System): number | undefined {
  const file = system.paths.hypervisor.qemuConf
  try {
    return readNumber(readConfigFile(system, file) ?? '', 'max_files', file)
  } catch (error) {
    if (error instanceof VqtuneError && error.kind === 'permission') return undefined
    throw error
  }
}
