/** What gives a NIC other queues, so that it works for the guest at hand: by its manager, its stack, or a new plug. Pure. */
import { shellQuote } from '../../text/escape'
import { MANAGERS } from '../guest/managers'
import { attachableInterface } from '../libvirt/driver-edit'
import { MAX_QUEUES } from '../libvirt/limits'
import { MAX_PROXMOX_QUEUES } from '../proxmox/config'
import { makeTap } from './start-checks'
import type { NicView } from './view'

/** Queue pairs that fit all vCPUs that the guest can have. */
export function queuesForVcpus({ maximum }: { readonly maximum: number }): number {
  return Math.min(maximum, MAX_QUEUES)
}

/** How this NIC gets one queue pair for each vCPU. */
export function queueRemedy(view: NicView): string {
  const { domain, configured, live, inactive, link } = view
  const queues = queuesForVcpus(view.vcpus)
  if (domain.stack === 'qemu') return domain.startedBy ?? commandLineRemedy(queues)
  const manager = managerOf(view)
  if (manager !== undefined) {
    const own = MANAGERS[manager].setting(queues)
    return live !== undefined && inactive === undefined
      ? `${own}\nor at once: ${plugAnew(view, queues)}`
      : `${own}\nthen: ${MANAGERS[manager].restart}`
  }
  if (inactive === undefined) return plugAnew(view, queues)
  const count = domain.stack === 'proxmox' ? Math.min(queues, MAX_PROXMOX_QUEUES) : 'vcpus'
  const set = `vqtune host set-queues ${shellQuote(domain.name)} --nic ${shellQuote(view.handle)} ${count === queues ? 'vcpus' : count} --apply`
  const unfit = configured.target !== undefined && !configured.targetManaged && link?.multiQueue !== true
  return unfit && queues > 1 ? `${makeTap(configured.target, true)}\nand then: ${set}` : set
}

export function managerOf({ domain }: Pick<NicView, 'domain'>) {
  return (domain.inactive ?? domain.live)?.manager
}

/**
 * For a NIC that no stored configuration has: libvirt refuses to change queues of a plugged one, so it goes and comes. The
 * guest loses its link and addresses in between.
 */
function plugAnew({ domain, live }: NicView, queues: number): string {
  const name = shellQuote(domain.name)
  if (live === undefined || domain.liveXml === undefined) {
    return `detach the interface and attach it anew with <driver name='vhost' queues='${queues}'/>`
  }
  const xml = attachableInterface(domain.liveXml, live, queues)
  return [
    'detach it and attach it anew (the guest loses its link and addresses meanwhile; also change what it was plugged in from):',
    `  virsh detach-interface ${name} ${shellQuote(live.type)} --mac ${live.mac} --live`,
    `  virsh attach-device ${name} nic.xml --live    # nic.xml, when the guest has let go of the old one:`,
    ...xml.split('\n').map((line) => `    ${line}`),
  ].join('\n')
}

function commandLineRemedy(queues: number): string {
  return `where it is started: queues=${queues} on its -netdev, mq=on,vectors=${2 * queues + 2} on its -device; then end it and start it anew`
}

/** A reboot from inside keeps the QEMU process and so the old device. */
export function powerCycle(view: Pick<NicView, 'domain'>): string {
  const { domain } = view
  const manager = managerOf(view)
  if (manager !== undefined)
    return `power off and start again by its manager (a reboot is not enough): ${MANAGERS[manager].restart}`
  const name = shellQuote(domain.name)
  if (domain.stack === 'proxmox')
    return `power off and start again (a reboot inside the guest is not enough): qm shutdown ${name}; qm start ${name}`
  if (domain.inactive === undefined) return 'end it and start it anew (a reboot is not enough)'
  return `power off and start again (a reboot is not enough): virsh shutdown ${name}; virsh start ${name}`
}
