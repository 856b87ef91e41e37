/** The kernel function that reports zero-copy completions, and how a probe fetches its argument. */
import { VqtuneError } from '../../errors'
import type { System } from '../../system/system'
import { MODULE } from './modprobe-conf'
import type { VhostModule } from './module'

/** New name first (Linux 6.10). */
const FUNCTIONS = ['vhost_zerocopy_complete', 'vhost_zerocopy_callback'] as const

export interface ProbeTarget {
  /** As tracefs takes it: `vhost_net:FUNCTION`, without the module where it is built in. */
  readonly location: string
  /** How to fetch the argument, the better way first. */
  readonly fetches: readonly string[]
}

/** @throws VqtuneError kind unsupported when there is nothing to measure */
export function probeTarget(system: System, module: VhostModule): ProbeTarget {
  if (module.state !== 'loaded' && module.state !== 'builtin') {
    throw new VqtuneError('unsupported', `${MODULE} is not loaded: no guest uses it, nothing to measure`)
  }
  const symbols = system.readText(system.paths.hypervisor.procKallsyms) ?? ''
  const name = FUNCTIONS.find((candidate) => new RegExp(`\\s${candidate}(?:\\s|$)`, 'm').test(symbols))
  if (name === undefined) {
    throw new VqtuneError(
      'unsupported',
      `this kernel's ${MODULE} has no zero copy (no ${FUNCTIONS.join(', no ')})`,
    )
  }
  const release = system.readText(system.paths.procKernelRelease)?.trim() ?? ''
  return {
    location: module.state === 'builtin' ? name : `${MODULE}:${name}`,
    fetches: argumentFetches(successArgument(release), process.arch),
  }
}

/** Linux 5.12 put the skb in front: (ubuf, success) became (skb, ubuf, success). */
export function successArgument(release: string): 2 | 3 {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10))
  return major > 5 || (major === 5 && minor >= 12) ? 3 : 2
}

/** `$argN` needs Linux 4.20; before that the register has to be named. */
export function argumentFetches(argument: 2 | 3, arch: string): readonly string[] {
  const registers: Readonly<Record<string, readonly [string, string]>> = {
    x64: ['%si', '%dx'],
    arm64: ['%x1', '%x2'],
    s390x: ['%r3', '%r4'],
    ppc64: ['%gpr4', '%gpr5'],
  }
  const register = registers[arch]?.[argument - 2]
  return [`$arg${argument}:u8`, ...(register === undefined ? [] : [`${register}:u8`])]
}
