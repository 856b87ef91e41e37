/** The machine, for the report's heading. systeminformation is loaded only here and called once: some calls fork a lot. */
import { CHILD_ENV } from '../system/system'

export interface Inventory {
  /** `QEMU Standard PC (Q35 + ICH9, 2009)` */
  readonly machine: string
  /** `AMD EPYC 7B12, 4 vCPUs` */
  readonly cpu: string
}

/** Must not delay the report; a loaded guest takes seconds. */
const LIMIT_MS = 10_000

/**
 * systeminformation runs programs by name in a shell, with our own environment: the caller's PATH, exported shell
 * functions and all other variables have to be removed first. Not restored: this is the report's last step.
 */
function takeChildEnvironment(): void {
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, CHILD_ENV)
}

/**
 * systeminformation starts its programs in its own callbacks, some of them in promises, where errors thrown by spawn (EPERM,
 * ENOMEM) are not caught. Never removed: it continues after we stop waiting for it.
 */
function onSpawnError(tell: () => void): void {
  const judge = (error: NodeJS.ErrnoException): void => {
    if (error.syscall?.startsWith('spawn') !== true) throw error
    tell()
  }
  process.on('uncaughtException', judge)
  // Node makes the former of it where nobody listens; not every runtime does.
  process.on('unhandledRejection', judge)
}

/** @returns undefined if it is not available in time, or its programs cannot be started */
export async function readInventory(): Promise<Inventory | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, LIMIT_MS, undefined)
    onSpawnError(() => resolve(undefined))
  })
  const asked = (async (): Promise<Inventory> => {
    takeChildEnvironment()
    const si = await import('systeminformation')
    const [system, cpu] = await Promise.all([si.system(), si.cpu()])
    const join = (...parts: string[]): string => parts.filter((part) => part !== '').join(' ') || 'unknown'
    return {
      machine: join(system.manufacturer, system.model),
      cpu: `${join(cpu.manufacturer, cpu.brand)}, ${cpu.cores} vCPUs`,
    }
  })()
  try {
    return await Promise.race([asked, late])
  } catch {
    return undefined
  } finally {
    clearTimeout(timer)
  }
}
