/** QEMU processes that no libvirt and no Proxmox VE of this view has started: read-only, from their command lines. */
import { processIds, readArguments, readName } from '../../kernel/processes'
import type { System } from '../../system/system'
import { bareDomain, type Domain, type DomainInterface } from '../libvirt/domain'
import { type CommandLineNic, parseCommandLine } from '../qemu/command-line'
import { readProcess } from '../qemu/process'
import type { ObservedDomain } from './observe'

const PROGRAM = /(?:^|\/)(?:qemu-system-[\w-]+|qemu-kvm(?:-\w+)?|kvm)$/

/** @param known processes and UUIDs of guests that are in view already */
export function observePlain(system: System, known: readonly ObservedDomain[]): readonly ObservedDomain[] {
  const pids = new Set(known.flatMap(({ process }) => process?.pid ?? []))
  const uuids = new Set(known.map(({ uuid }) => uuid))
  // Of any user: unlike those that write settings, QEMU rarely runs as root.
  return processIds(system)
    .filter((pid) => !pids.has(pid))
    .flatMap((pid): ObservedDomain[] => {
      if (!PROGRAM.test(readArguments(system, pid)[0] ?? '')) return []
      const found = readProcess(system, pid)
      if (found === undefined) return []
      const line = parseCommandLine(found.args)
      if (line.uuid !== undefined && uuids.has(line.uuid)) return []
      return [
        {
          stack: 'qemu',
          name: line.name ?? 'qemu',
          title: `process ${pid}`,
          uuid: line.uuid ?? '',
          live: fromCommandLine(found.args, line.name ?? 'qemu'),
          inactive: undefined,
          process: found.process,
          ...starterOf(found.args),
        },
      ]
    })
}

export function fromCommandLine(args: readonly string[], name: string): Domain {
  const { vcpus, kvm, machine, nics, uuid } = parseCommandLine(args)
  return {
    ...bareDomain(name, uuid ?? ''),
    type: kvm ? 'kvm' : 'qemu',
    machine,
    vcpus,
    interfaces: nics.map(interfaceOf),
  }
}

function interfaceOf(nic: CommandLineNic, index: number): DomainInterface {
  return {
    index,
    mac: nic.mac ?? '-',
    type: nic.backend ?? '-',
    model: nic.device,
    driver: nic.vhost ? 'vhost' : nic.backend === 'tap' ? 'qemu' : undefined,
    queues: nic.multiqueue ? nic.queues : undefined,
    target: nic.ifname,
    targetManaged: true,
    source: undefined,
    alias: nic.id,
    teaming: undefined,
    backend: undefined,
  }
}

/** Managers that run QEMU by themselves, told by the paths that they use. */
const STARTERS: readonly (readonly [pattern: RegExp, by: string])[] = [
  [
    /\/(?:lxd|incus)\//,
    'LXD or Incus, which give each NIC as many queues as the instance has vCPUs (limits.cpu)',
  ],
  [/\/kubevirt/, 'KubeVirt, whose libvirt is in the pod: networkInterfaceMultiqueue in the VirtualMachine'],
  [/\/qemu-server\//, 'Proxmox VE: qm config'],
  [
    /guest=.*\0|\/libvirt\//,
    'another libvirt (a session, or one in a container): vqtune host check --connect URI',
  ],
]

function starterOf(args: readonly string[]): { startedBy?: string } {
  const line = `${args.join('\0')}\0`
  const by = STARTERS.find(([pattern]) => pattern.test(line))?.[1]
  return by === undefined ? {} : { startedBy: by }
}

/** Virtual machine monitors that are not QEMU, by the name of their process. */
const OTHERS: Readonly<Record<string, string>> = {
  firecracker: 'Firecracker, which has one queue pair for each NIC',
  'cloud-hyperviso': 'Cloud Hypervisor: num_queues= of --net',
  'cloud-hypervisor': 'Cloud Hypervisor: num_queues= of --net',
  crosvm: 'crosvm: vq-pairs= of --net',
  VBoxHeadless: 'VirtualBox',
  'vmware-vmx': 'VMware Workstation',
}

/** One line for each other monitor that runs here: nothing more is known of it. */
export function otherStacks(system: System): readonly string[] {
  const comms = processIds(system).map((pid) => readName(system, pid))
  const xen = system.exists(`${system.paths.proc}/xen/capabilities`) ? ['Xen'] : []
  return [...new Set([...comms.flatMap((comm) => OTHERS[comm] ?? []), ...xen])].map(
    (what) => `this host runs ${what}; vqtune knows no more of it`,
  )
}
