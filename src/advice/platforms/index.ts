/** The known platforms, and which of them this guest may be running on. A new platform is one entry here. */
import { operand, shellQuote } from '../../text/escape'
import { ALIBABA } from './alibaba'
import { CLOUD_HYPERVISOR } from './cloud-hypervisor'
import { CLOUDSTACK } from './cloudstack'
import { CROSVM } from './crosvm'
import { GCE } from './gce'
import { HUAWEI } from './huawei'
import { KATA } from './kata'
import { HARVESTER, KUBEVIRT } from './kubevirt'
import { LIBVIRT } from './libvirt'
import { INCUS, LXD } from './lxd'
import { NUTANIX } from './nutanix'
import { OPENNEBULA } from './opennebula'
import { OPENSTACK } from './openstack'
import { ORACLE } from './oracle'
import { OVIRT } from './ovirt'
import type { Platform, PlatformEvidence, Remedy, RemedyRequest } from './platform'
import { PROVIDER_PLATFORMS } from './providers'
import { PROXMOX } from './proxmox'
import { QEMU } from './qemu'
import { SINGLE_QUEUE } from './single-queue'
import { TENCENT } from './tencent'
import { UNKNOWN } from './unknown'

/**
 * Looked at in this order, so what is narrower comes first: Kata is inside any VMM, Huawei Cloud calls its product OpenStack,
 * Harvester is KubeVirt, and those that keep QEMU's strings come before QEMU.
 */
export const PLATFORMS: readonly Platform[] = [
  KATA,
  ORACLE,
  HUAWEI,
  ALIBABA,
  GCE,
  TENCENT,
  ...PROVIDER_PLATFORMS,
  OPENSTACK,
  HARVESTER,
  KUBEVIRT,
  OVIRT,
  NUTANIX,
  CLOUDSTACK,
  INCUS,
  LXD,
  CLOUD_HYPERVISOR,
  CROSVM,
  ...SINGLE_QUEUE,
  OPENNEBULA,
  PROXMOX,
  LIBVIRT,
  QEMU,
]

/**
 * The platform whose own strings these are; else those that look so, the most likely first; UNKNOWN if none does. Never
 * empty.
 */
export function platformsOf(evidence: PlatformEvidence): readonly [Platform, ...Platform[]] {
  const own = PLATFORMS.find((platform) => platform.matches(evidence))
  if (own !== undefined) return [own]
  const [first, ...others] = PLATFORMS.filter((platform) => platform.resembles?.(evidence) === true)
  return first === undefined ? [UNKNOWN] : [first, ...others]
}

export interface PlatformRemedy extends Remedy {
  readonly platform: string
  readonly title: string
  /** False if the platform has no multi-queue: the steps are what helps instead. */
  readonly multiqueue: boolean
  /** How it was tried; null: it was not. */
  readonly tried: string | null
  readonly source: string
  /** What to run in the guest afterwards. */
  readonly check: readonly string[]
}

/**
 * How to get `target` queue pairs for a NIC of this guest. One remedy per matching platform, the most likely first.
 * Pure.
 */
export function remediesFor(
  evidence: PlatformEvidence,
  request: RemedyRequest,
): readonly [PlatformRemedy, ...PlatformRemedy[]] {
  const remedyOf = (platform: Platform): PlatformRemedy => {
    const remedy = platform.remedy(request)
    const multiqueue = platform.singleQueue !== true
    return {
      platform: platform.id,
      title: platform.title,
      multiqueue,
      ...remedy,
      tried: platform.tried ?? null,
      source: platform.source,
      check: [
        ...(multiqueue
          ? [
              `ethtool -l ${shellQuote(request.name)}    # "Combined" under "Pre-set maximums": ${remedy.reaches}`,
            ]
          : []),
        `vqtune status ${operand(request.name)}`,
      ],
    }
  }
  const [first, ...others] = platformsOf(evidence)
  return [remedyOf(first), ...others.map(remedyOf)]
}
