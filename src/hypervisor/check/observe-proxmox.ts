/** The virtual machines of a Proxmox VE node, in the form of libvirt's guests. */

import { messageOf } from '../../errors'
import type { System } from '../../system/system'
import type { Domain, DomainInterface } from '../libvirt/domain'
import { hostLinks } from '../network/links'
import { toDomain } from '../proxmox/config'
import type { Qm, QmGuest } from '../proxmox/qm'
import { readProcess } from '../qemu/process'
import type { ObservedDomain, ObservedHypervisor, Progress, UnansweredDomain } from './observe'
import { fromCommandLine } from './observe-plain'

/** @param only number or name of one virtual machine; all of this node when undefined. */
export async function observeProxmox(
  system: System,
  qm: Qm,
  only?: string,
  onProgress: Progress = () => undefined,
): Promise<ObservedHypervisor> {
  const guests = only === undefined ? await qm.guests() : [await qm.guest(only)]
  const domains: ObservedDomain[] = []
  const unanswered: UnansweredDomain[] = []
  for (const [i, guest] of guests.entries()) {
    try {
      domains.push(await observeGuest(system, qm, guest))
    } catch (error) {
      unanswered.push({ name: guest.vmid, why: messageOf(error) })
    }
    onProgress(i + 1, guests.length)
  }
  const there = unanswered.length === 0 ? [] : (await qm.guests()).map(({ vmid }) => vmid)
  return {
    uri: 'Proxmox VE',
    domains,
    unanswered: unanswered.filter(({ name }) => there.includes(name)),
    links: domains.length > 0 ? await hostLinks(system) : undefined,
    vdpaPairs: new Map(),
    pools: new Set(),
    maxFiles: undefined,
    daemon: undefined,
  }
}

async function observeGuest(system: System, qm: Qm, guest: QmGuest): Promise<ObservedDomain> {
  const { vmid, name, running, pid } = guest
  const inactive = toDomain(vmid, await qm.config(vmid))
  const process = pid === undefined ? undefined : readProcess(system, pid)
  const live = !running
    ? undefined
    : process === undefined
      ? toDomain(vmid, await qm.currentConfig(vmid))
      : asConfigured(inactive, fromCommandLine(process.args, vmid))
  return {
    stack: 'proxmox',
    name: vmid,
    title: name,
    uuid: inactive.uuid,
    live,
    inactive,
    process: process?.process,
  }
}

/** What runs, in the words of the configuration, so that only true differences wait for a power-off. */
function asConfigured(configured: Domain, running: Domain): Domain {
  return {
    ...configured,
    vcpus: running.vcpus,
    interfaces: running.interfaces.map((nic): DomainInterface => {
      const key = nic.alias ?? ''
      const same = configured.interfaces.find(({ alias }) => alias === key)
      return {
        ...nic,
        type: 'bridge',
        model: nic.model?.replace(/^virtio-net.*$/, 'virtio'),
        driver: nic.model?.startsWith('virtio') === true ? nic.driver : undefined,
        source: same?.source,
      }
    }),
  }
}
