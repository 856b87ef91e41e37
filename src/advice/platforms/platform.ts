/** A platform remedy: what the owner of the hypervisor has to do so that this guest gets more queue pairs. */
import type { Hypervisor } from '../../model'

/** The NIC that should get more queue pairs. */
export interface RemedyRequest {
  /** Interface name in the guest. */
  readonly name: string
  readonly mac: string
  /** Queue pairs that the host should expose, 2..256. */
  readonly target: number
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
  /** One sentence on how to power the virtual machine off and on. */
  readonly powerOffHow: string
  /** Limits and side effects, one sentence each. */
  readonly notes: readonly string[]
}

/** One platform. A new one is a file and a line in index.ts. */
export interface Platform {
  readonly id: string
  /** Name for people. */
  readonly title: string
  /** Whether the DMI strings may be this platform's. Several may match: Proxmox VE looks like plain QEMU. */
  matches(hypervisor: Hypervisor): boolean
  remedy(request: RemedyRequest): Remedy
}
