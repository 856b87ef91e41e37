/** A platform: how it is recognised, and what has to be done there so that this guest gets more queue pairs. */
import type { Hypervisor, ObservedNic } from '../../model'

/** What tells platforms apart: the firmware's strings, '' where there are none, and the NIC itself. */
export interface PlatformEvidence extends Hypervisor {
  readonly bus: ObservedNic['bus']
  readonly mac: string
  /** The device has a control virtqueue: small VMMs leave it out. */
  readonly controlQueue: boolean
  /** The kernel command line. */
  readonly commandLine: string
}

/** The NIC that should get more queue pairs. */
export interface RemedyRequest {
  /** Interface name in the guest. */
  readonly name: string
  readonly mac: string
  readonly bus: ObservedNic['bus']
  /** Queue pairs that the host should expose, with those for XDP, 2..256. */
  readonly target: number
  /** How many of them are for an XDP program, one for each possible vCPU; 0 without. */
  readonly xdpQueues: number
  /** Queue pairs that it exposes now. */
  readonly maximum: number
  /** Online vCPUs. */
  readonly vcpus: number
}

export interface RemedyStep {
  /** What to do and where, one sentence without the final colon or stop. */
  readonly text: string
  /** Shell commands or configuration to copy, one line each; words in capitals are placeholders. */
  readonly lines: readonly string[]
}

export interface Remedy {
  /** Queue pairs that the NIC has afterwards; fewer than the target where the platform has a limit. */
  readonly reaches: number
  readonly steps: readonly RemedyStep[]
  /** True when the virtual machine must be powered off and on: a reboot inside the guest keeps the old device. */
  readonly powerOff: boolean
  /** One sentence on how to power the virtual machine off and on, or on why that is not needed. */
  readonly powerOffHow: string
  /** Limits and side effects, one sentence each. */
  readonly notes: readonly string[]
}

/** One platform. A new one is an entry in index.ts, and a file if its remedy is its own. */
export interface Platform {
  readonly id: string
  /** Name for people. */
  readonly title: string
  /** What it is recognised by, for docs/platforms.md. */
  readonly recognisedBy: string
  /** Where these strings, and the remedy, are from. */
  readonly source: string
  /** How the remedy was tried, a phrase; undefined: it was not, and the remedy says so. */
  readonly tried: string | undefined
  /** True if its virtio-net has one queue pair, whatever is asked for: the remedy is what helps instead. */
  readonly singleQueue?: true
  /** The evidence is this platform's own. */
  matches(evidence: PlatformEvidence): boolean
  /** Nothing is this platform's own, but it may be this one: listed with others that look alike. */
  resembles?(evidence: PlatformEvidence): boolean
  remedy(request: RemedyRequest): Remedy
}

/** The request for whoever runs the hypervisor. */
export function requestText({ mac, target, maximum, xdpQueues }: RemedyRequest): string {
  const share = xdpQueues === 0 ? '' : `, ${target - xdpQueues} for its vCPUs and ${xdpQueues} for XDP`
  return `Please give the virtio-net interface with MAC ${mac} ${target} queue pairs${share} (it has ${maximum}).`
}

/** QEMU's options for this NIC. Only a PCI device has MSI-X vectors to set. */
export function qemuOptions({ bus, target }: RemedyRequest): string {
  const device: Record<RemedyRequest['bus'], string> = {
    pci: `virtio-net-pci,mq=on,vectors=${2 * target + 2}`,
    ccw: 'virtio-net-ccw,mq=on',
    mmio: 'virtio-net-device,mq=on',
    other: 'virtio-net,mq=on',
  }
  return `-netdev tap,queues=${target} and -device ${device[bus]}`
}

/** `(8 now)`, `(8 now, for 16 wanted)`: of platforms that count vCPUs instead of asking for a number. */
export function countedByVcpus({ target, vcpus }: RemedyRequest): string {
  return `(${vcpus} now${target === vcpus ? '' : `, for ${target} wanted`})`
}
