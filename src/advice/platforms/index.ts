/** The known platforms, and which of them this guest may be running on. A new platform is one file and one line. */

import type { Hypervisor } from '../../model'
import { operand, shellQuote } from '../../text/escape'
import { ALIBABA } from './alibaba'
import { GCE } from './gce'
import { KUBEVIRT } from './kubevirt'
import { LIBVIRT } from './libvirt'
import { NUTANIX } from './nutanix'
import { OPENSTACK } from './openstack'
import { OVIRT } from './ovirt'
import type { Platform, Remedy, RemedyRequest } from './platform'
import { PROXMOX } from './proxmox'
import { UNKNOWN } from './unknown'

/** In the order in which they are listed if several match. */
export const PLATFORMS: readonly Platform[] = [
  OPENSTACK,
  KUBEVIRT,
  OVIRT,
  NUTANIX,
  GCE,
  ALIBABA,
  LIBVIRT,
  PROXMOX,
]

/** The platforms that match the DMI strings, the most likely first; UNKNOWN if none does. Never empty. */
export function platformsOf(hypervisor: Hypervisor): readonly [Platform, ...Platform[]] {
  const trimmed = { vendor: hypervisor.vendor.trim(), product: hypervisor.product.trim() }
  const [first, ...others] = PLATFORMS.filter((platform) => platform.matches(trimmed))
  return first === undefined ? [UNKNOWN] : [first, ...others]
}

export interface PlatformRemedy extends Remedy {
  readonly platform: string
  readonly title: string
  /** What to run in the guest afterwards. */
  readonly check: readonly string[]
}

/**
 * How to get `target` queue pairs for a NIC of this guest. One remedy per matching platform, the most likely first.
 * Pure.
 */
export function remediesFor(
  hypervisor: Hypervisor,
  request: RemedyRequest,
): readonly [PlatformRemedy, ...PlatformRemedy[]] {
  const remedyOf = (platform: Platform): PlatformRemedy => {
    const remedy = platform.remedy(request)
    return {
      platform: platform.id,
      title: platform.title,
      ...remedy,
      check: [
        `ethtool -l ${shellQuote(request.name)}    # "Combined" under "Pre-set maximums": ${remedy.reaches}`,
        `vqtune status ${operand(request.name)}`,
      ],
    }
  }
  const [first, ...others] = platformsOf(hypervisor)
  return [remedyOf(first), ...others.map(remedyOf)]
}
