/** The kernels that guest tests run on, and which of them are here. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'

/** Debian's, in the guest image. */
const IN_IMAGE = ['6.1', '6.12'] as const
/** Built from RHEL's sources: `NAME/bzImage` in VQTUNE_KERNELS, with all drivers built in. */
export const RHEL = ['rhel8.10', 'rhel9.6', 'rhel10.0'] as const
/** RHEL 7's, in the same place. The image's systemd is not tried on it: quick guests only. */
export const RHEL7 = 'rhel7.7'

export type RhelKernel = (typeof RHEL)[number] | typeof RHEL7
export type Kernel = (typeof IN_IMAGE)[number] | RhelKernel

export function isRhel(kernel: Kernel): kernel is RhelKernel {
  return kernel === RHEL7 || RHEL.some((name) => name === kernel)
}

const directory =
  process.env.VQTUNE_KERNELS ?? fileURLToPath(new URL('../../../../shared/kernels', import.meta.url))

export function rhelImage(kernel: RhelKernel): string {
  return join(directory, kernel, 'bzImage')
}

/** Those of RHEL that are here. */
export const rhelKernels: readonly RhelKernel[] = RHEL.filter((kernel) => existsSync(rhelImage(kernel)))

/** All that are here: the projects of `npm run vm:long` run the guest tests on each. */
export const allKernels: readonly Kernel[] = [...IN_IMAGE, ...rhelKernels]

/** In such a project, its kernel. */
const only = process.env.VQTUNE_VM_KERNEL as Kernel | undefined

/** The kernels of a test file: in `npm test` those named, in `npm run vm:long` the one whose turn it is. */
export function kernelsOf(...named: readonly Kernel[]): readonly Kernel[] {
  return only === undefined ? named : [only]
}

/** The same for a file that needs one. */
export function kernelOf(named: Kernel): Kernel {
  return only ?? named
}

/** What is not the kernel's doing runs on `named` with each change, and on every kernel in `npm run vm:long`. */
export function isThorough(kernel: Kernel, named: Kernel): boolean {
  return only !== undefined || kernel === named
}

/**
 * Whether a guest takes vCPUs that are hot-added under emulation. Debian's 6.12 takes them only on a hypervisor that it
 * knows, which KVM is (acpi_is_processor_usable(), since November 2025).
 */
export function takesVcpus(kernel: Kernel): boolean {
  return kernel !== '6.12'
}

/** Global setup of the projects with guests: one line about the kernels, and what is left out. */
export default function tellKernels({ name }: TestProject): void {
  if (only !== undefined) return
  const missing = ([RHEL7, ...RHEL] as const).filter((kernel) => !existsSync(rhelImage(kernel)))
  const here = [...allKernels, ...(missing.includes(RHEL7) ? [] : [RHEL7])]
  const left =
    missing.length === 0 ? '' : `; left out, not in ${directory} (VQTUNE_KERNELS): ${missing.join(', ')}`
  process.stderr.write(`[${name}] ${here.length} kernels: ${here.join(', ')}${left}\n`)
}
