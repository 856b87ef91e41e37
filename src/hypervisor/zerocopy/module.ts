/** The vhost_net module: whether it is loaded and in use, whether this kernel still has the parameter, and reloading it. */
import { VqtuneError } from '../../errors'
import type { System } from '../../system/system'
import { type ConfiguredValue, isOn, MODULE, PARAMETER, readConfigured } from './modprobe-conf'

/** 'absent': this kernel has no such module. 'builtin': part of the kernel, cannot be loaded again. */
export const MODULE_STATES = ['loaded', 'builtin', 'unloaded', 'absent'] as const
/** 'removed': the kernel dropped zero copy; 'unknown': modinfo is missing. */
export const PARAMETER_STATES = ['present', 'removed', 'unknown'] as const

export interface VhostModule {
  readonly state: (typeof MODULE_STATES)[number]
  readonly parameter: (typeof PARAMETER_STATES)[number]
  /** Setting of the loaded module. */
  readonly running: boolean | undefined
  /** Open vhost-net descriptors: queue pairs of running guests. undefined when not loaded. */
  readonly users: number | undefined
  /** What the next load will use; undefined: the kernel's default, off since Linux 5.3. */
  readonly configured: ConfiguredValue | undefined
}

export async function readVhostModule(system: System): Promise<VhostModule> {
  const { sysModuleVhostNet, procModules } = system.paths.hypervisor
  const users = parseUsers(system.readText(procModules) ?? '')
  const present = system.exists(sysModuleVhostNet)
  const value = system.readText(`${sysModuleVhostNet}/parameters/${PARAMETER}`)
  const running = value === undefined ? undefined : isOn(value)
  const configured = readConfigured(system).at(-1)
  if (users !== undefined || present) {
    return {
      state: users === undefined ? 'builtin' : 'loaded',
      parameter: value === undefined ? 'removed' : 'present',
      running,
      users,
      configured,
    }
  }
  return { ...(await askModinfo(system)), running: undefined, users: undefined, configured }
}

async function askModinfo(system: System): Promise<Pick<VhostModule, 'state' | 'parameter'>> {
  if (system.findTool('modinfo') === undefined) return { state: 'unloaded', parameter: 'unknown' }
  const result = await system.run('modinfo', ['-F', 'parm', MODULE])
  if (result.code !== 0) return { state: 'absent', parameter: 'unknown' }
  const present = result.stdout.split('\n').some((line) => line.startsWith(`${PARAMETER}:`))
  return { state: 'unloaded', parameter: present ? 'present' : 'removed' }
}

/** Reference count of vhost_net in /proc/modules; undefined when it is not a loaded module. */
export function parseUsers(text: string): number | undefined {
  const count = new RegExp(`^${MODULE} \\d+ (\\d+) `, 'm').exec(text)?.[1]
  return count === undefined ? undefined : Number(count)
}

/** How a running setting can become the requested one. */
export type ReloadPlan =
  | { readonly kind: 'none'; readonly why: string }
  | { readonly kind: 'reload' }
  | { readonly kind: 'later'; readonly why: string; readonly steps: readonly string[] }

export function planReload(module: VhostModule, wanted: boolean): ReloadPlan {
  if (module.state === 'absent') return { kind: 'none', why: `this kernel has no module ${MODULE}` }
  if (module.state === 'unloaded') {
    return { kind: 'none', why: `${MODULE} is not loaded: the setting applies when it is next loaded` }
  }
  if (module.state === 'builtin') {
    return {
      kind: 'later',
      why: `${MODULE} is built into this kernel`,
      steps: [`add ${MODULE}.${PARAMETER}=${wanted ? 1 : 0} to the kernel command line`, 'reboot'],
    }
  }
  if (module.running === wanted) return { kind: 'none', why: `the loaded ${MODULE} already has this setting` }
  if (module.users === 0) return { kind: 'reload' }
  return {
    kind: 'later',
    why: `${MODULE} is in use: ${module.users} open descriptors (queues of running guests)`,
    steps: [
      'takes effect at the next reboot; to activate it without a reboot:',
      'power off or migrate every guest of this host',
      `rmmod ${MODULE} && modprobe ${MODULE}`,
      'start the guests again',
    ],
  }
}

/**
 * Unloads and reloads without a pause: a guest that starts in between would silently run without vhost.
 * @returns why it was not done, if the module came into use meanwhile; undefined if the setting is active.
 * @throws VqtuneError if the module does not load again or has another setting.
 */
export async function reloadModule(system: System, wanted: boolean): Promise<string | undefined> {
  const removed = await system.run('rmmod', [MODULE], { timeoutMs: RELOAD_TIMEOUT_MS })
  if (removed.code !== 0) {
    if (parseUsers(system.readText(system.paths.hypervisor.procModules) ?? '') !== undefined) {
      return firstLine(removed.stderr) || `rmmod ${MODULE}: exit code ${removed.code}`
    }
  }
  const loaded = await system.run('modprobe', [MODULE], { timeoutMs: RELOAD_TIMEOUT_MS })
  if (loaded.code !== 0) {
    throw new VqtuneError(
      'tool-failed',
      `modprobe ${MODULE}: ${firstLine(loaded.stderr) || `exit code ${loaded.code}`}`,
    )
  }
  const { running } = await readVhostModule(system)
  if (running === wanted) return undefined
  throw new VqtuneError(
    'not-converged',
    `${MODULE} was reloaded, but ${PARAMETER} is ${running === undefined ? 'missing' : running ? 'on' : 'off'}`,
  )
}

const RELOAD_TIMEOUT_MS = 20_000

function firstLine(text: string): string {
  const [line] = text.trim().split('\n', 1) as [string]
  return line
}
