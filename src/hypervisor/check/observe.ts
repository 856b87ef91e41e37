/** One observation of a hypervisor: its guests' XML, their QEMU processes, the network devices and libvirt's limits. */
import { VqtuneError } from '../../errors'
import type { System } from '../../system/system'
import { readConfigFile } from '../change/safe-file'
import { type LibvirtDaemon, readDaemon } from '../libvirt/daemon'
import { type Domain, kindOf, parseDomain } from '../libvirt/domain'
import { parseNetworkMode } from '../libvirt/network'
import { readNumber } from '../libvirt/qemu-conf'
import type { Answer, Virsh } from '../libvirt/virsh'
import type { DomainRef } from '../libvirt/virsh-output'
import { type HostDevices, readHostDevices } from '../network/host-devices'
import { type QemuProcess, readQemuProcess } from '../qemu/process'

/** Who keeps the guest's configuration: libvirt, Proxmox VE, or nobody but the command line that started it. */
export const STACKS = ['libvirt', 'proxmox', 'qemu'] as const
export type Stack = (typeof STACKS)[number]

export interface ObservedDomain {
  readonly stack: Stack
  /** As its stack takes it on a command line: libvirt's name, Proxmox VE's number, QEMU's process id. */
  readonly name: string
  /** Another name, for people. */
  readonly title?: string
  readonly uuid: string
  /** undefined: not running. */
  readonly live: Domain | undefined
  /** What the next start uses; undefined for a transient guest. */
  readonly inactive: Domain | undefined
  /** The XML that `live` was read from, for a device that is to be plugged in anew. */
  readonly liveXml?: string
  /** Who started a QEMU that is shown from its command line, and where its queues are set; undefined: nothing tells. */
  readonly startedBy?: string
  /** undefined: not running, not QEMU, or run by another libvirt (session mode, another machine). */
  readonly process: QemuProcess | undefined
}

/** A guest that is there, but of which nothing was to be had. */
export interface UnansweredDomain {
  readonly name: string
  readonly why: string
}

export interface ObservedHypervisor extends HostDevices {
  readonly uri: string
  readonly domains: readonly ObservedDomain[]
  readonly unanswered: readonly UnansweredDomain[]
  /** Networks that hand out virtual functions of the host. */
  readonly pools: ReadonlySet<string>
  /** max_files in qemu.conf, 0 when guests inherit the daemon's limit; undefined when not readable. */
  readonly maxFiles: number | undefined
  readonly daemon: LibvirtDaemon | undefined
}

export type Progress = (done: number, total: number) => void

/**
 * At most two questions to libvirt for each guest, many of them in one virsh.
 * @param only name or UUID of one guest; all guests when undefined.
 */
export async function observeHypervisor(
  system: System,
  virsh: Virsh,
  only?: string,
  onProgress: Progress = () => undefined,
): Promise<ObservedHypervisor> {
  const refs = only === undefined ? await virsh.domains() : [await virsh.domain(only)]
  const { domains, unanswered } = await readDomains(system, virsh, refs, onProgress)
  return {
    uri: virsh.uri,
    domains,
    unanswered,
    ...(await readHostDevices(
      system,
      domains.flatMap(({ live, inactive }) => [live, inactive]).filter((domain) => domain !== undefined),
    )),
    pools: await readPools(virsh, domains),
    maxFiles: readMaxFiles(system),
    daemon: await readDaemon(system),
  }
}

async function readDomains(
  system: System,
  virsh: Virsh,
  refs: readonly DomainRef[],
  onProgress: Progress,
): Promise<{ domains: ObservedDomain[]; unanswered: UnansweredDomain[] }> {
  if (refs.length === 0) return { domains: [], unanswered: [] }
  const persistent = await virsh.persistent()
  const now = await virsh.ask(
    refs.map((ref) => ['dumpxml', ref.uuid]),
    (done) => onProgress(done / 2, refs.length),
  )
  const seen = refs.map((ref, i) => parsed(now[i], `${ref.name}: virsh dumpxml`))
  // The XML of a stopped guest is its configuration; of a running one that is another question.
  const asked = refs.filter((ref, i) => !isStopped(seen[i]) && persistent.has(ref.uuid))
  const stored = await virsh.ask(
    asked.map((ref) => ['dumpxml', ref.uuid, '--inactive']),
    (done) => onProgress((refs.length + done) / 2, refs.length),
  )
  const storedOf = new Map(asked.map((ref, i) => [ref.uuid, stored[i]]))
  const domains: ObservedDomain[] = []
  const silent: { ref: DomainRef; error: VqtuneError }[] = []
  for (const [i, ref] of refs.entries()) {
    const first = seen[i]
    const second = storedOf.get(ref.uuid)
    const live = isStopped(first) ? undefined : first
    const inactive = isStopped(first) ? first : parsed(second, `${ref.name}: virsh dumpxml --inactive`)
    // No stored configuration after all is one thing, no answer in time another.
    const hangs = second instanceof VqtuneError && second.kind === 'timeout'
    if (hangs || (live === undefined && inactive === undefined)) {
      silent.push({ ref, error: errorOf(now[i] instanceof VqtuneError ? now[i] : second) })
      continue
    }
    domains.push({
      stack: 'libvirt',
      ...ref,
      live,
      inactive,
      ...(live === undefined ? {} : { liveXml: now[i] as string }),
      process: live === undefined ? undefined : readQemuProcess(system, ref.name),
    })
  }
  return { domains, unanswered: await stillThere(virsh, silent) }
}

function parsed(answer: Answer | undefined, origin: string): Domain | undefined {
  return typeof answer === 'string' ? parseDomain(answer, origin) : undefined
}

/** Only the XML of a running guest has an id. */
function isStopped(domain: Domain | undefined): boolean {
  return domain !== undefined && domain.id === undefined
}

function errorOf(answer: Answer | undefined): VqtuneError {
  return answer instanceof VqtuneError ? answer : new VqtuneError('tool-failed', 'virsh dumpxml: no XML')
}

/** Guests that went away meanwhile are none; the others are told with the reason. */
async function stillThere(
  virsh: Virsh,
  silent: readonly { ref: DomainRef; error: VqtuneError }[],
): Promise<UnansweredDomain[]> {
  if (silent.length === 0) return []
  const there = new Set((await virsh.domains()).map(({ uuid }) => uuid))
  return silent
    .filter(({ ref }) => there.has(ref.uuid))
    .map(({ ref, error }) => ({ name: ref.name, why: error.message }))
}

/** Only of configured interfaces: of a running one its own type tells what the network made of it. */
async function readPools(virsh: Virsh, domains: readonly ObservedDomain[]): Promise<ReadonlySet<string>> {
  const seen = new Set(
    domains.flatMap(({ live, inactive }) =>
      (live?.interfaces ?? [])
        .filter((nic) => kindOf(nic) === 'passthrough')
        .flatMap(
          (nic) =>
            inactive?.interfaces.find(
              (other) => other.mac === nic.mac && other.type === 'network' && other.teaming === nic.teaming,
            )?.source ?? [],
        ),
    ),
  )
  const configured = domains.flatMap(({ inactive }) => inactive ?? [])
  return new Set([...seen, ...(await askPools(virsh, configured, seen))])
}

/** Networks of these guests that hand out virtual functions of the host; one question for each network. */
export async function askPools(
  virsh: Virsh,
  domains: readonly Domain[],
  known: ReadonlySet<string> = new Set(),
): Promise<ReadonlySet<string>> {
  const sources = domains.flatMap((domain) =>
    domain.interfaces.flatMap((nic) => (nic.type === 'network' ? (nic.source ?? []) : [])),
  )
  const names = [...new Set(sources)].filter((name) => /^[\w./-]+$/.test(name) && !known.has(name))
  const answers = await virsh.ask(names.map((name) => ['net-dumpxml', name]))
  return new Set(
    names.filter((_, i) => {
      const answer = answers[i]
      return typeof answer === 'string' && parseNetworkMode(answer) === 'hostdev'
    }),
  )
}

/** qemu.conf is readable by root only on most distributions. @throws VqtuneError when it is wrong. */
export function readMaxFiles(system: System): number | undefined {
  const file = system.paths.hypervisor.qemuConf
  try {
    return readNumber(readConfigFile(system, file) ?? '', 'max_files', file)
  } catch (error) {
    if (error instanceof VqtuneError && error.kind === 'permission') return undefined
    throw error
  }
}
