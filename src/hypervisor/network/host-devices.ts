/** What guests' NICs are attached to on the hypervisor, as far as it decides whether they can have several queues. */
import type { Links } from '../../kernel/ip-link'
import type { System } from '../../system/system'
import type { Domain } from '../libvirt/domain'
import { hostLinks } from './links'
import { readVdpaPairs, type VdpaPairs } from './vdpa'

export interface HostDevices {
  /** undefined when they were not to be seen. */
  readonly links: Links | undefined
  readonly vdpaPairs: VdpaPairs
}

/** Asks only for what these guests have. @throws VqtuneError kind tool-failed, timeout */
export async function readHostDevices(system: System, domains: readonly Domain[]): Promise<HostDevices> {
  return {
    links: domains.length > 0 ? await hostLinks(system) : undefined,
    vdpaPairs: domains.some(({ devices }) => devices.vdpa > 0) ? await readVdpaPairs(system) : new Map(),
  }
}
