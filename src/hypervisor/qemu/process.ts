/** The QEMU process of a running guest: file descriptors, their limit, and the NICs' vectors on its command line. */
import { errnoOf, isDenied } from '../../errors'
import type { System } from '../../system/system'
import { parseWholeNumber } from '../../text/numbers'

export interface OpenFiles {
  /** Soft limit (RLIMIT_NOFILE). */
  readonly limit: number
  /** Open now; undefined when this user may not see it. */
  readonly used: number | undefined
}

export interface QemuProcess {
  readonly pid: number
  readonly openFiles: OpenFiles | undefined
  /** Open /dev/vhost-net descriptors, one for each queue pair that uses vhost; undefined when not readable. */
  readonly vhostFds: number | undefined
  /** MSI-X vectors asked for, by MAC; a NIC without `vectors=` is not listed. */
  readonly vectors: ReadonlyMap<string, number>
  /** What it may lock, in KiB (RLIMIT_MEMLOCK); Infinity for unlimited, undefined when not readable. */
  readonly lockedKib: number | undefined
}

/** @param domain name of the guest; libvirt keeps NAME.pid. undefined when there is no such process. */
export function readQemuProcess(system: System, domain: string): QemuProcess | undefined {
  const pid = parseWholeNumber(
    system.readText(`${system.paths.hypervisor.runLibvirtQemu}/${domain}.pid`)?.trim(),
  )
  if (pid === undefined) return undefined
  const cmdline = allowed(() => system.readText(`${system.paths.proc}/${pid}/cmdline`))
  // A stale PID file may point to an unrelated process.
  if (cmdline === undefined || !isGuest(cmdline, domain)) return undefined
  return describe(system, pid, cmdline)
}

/** Any QEMU by its number, with its arguments. undefined when it has ended, or may not be looked at. */
export function readProcess(
  system: System,
  pid: number,
): { readonly process: QemuProcess; readonly args: readonly string[] } | undefined {
  const cmdline = allowed(() => system.readText(`${system.paths.proc}/${pid}/cmdline`))
  if (cmdline === undefined || cmdline === '') return undefined
  const args = cmdline.split('\0')
  if (args.at(-1) === '') args.pop()
  return { process: describe(system, pid, cmdline), args }
}

function describe(system: System, pid: number, cmdline: string): QemuProcess {
  const directory = `${system.paths.proc}/${pid}`
  const fds = allowed(() => system.list(`${directory}/fd`))
  return {
    pid,
    openFiles: readOpenFiles(system, pid),
    vhostFds: fds?.filter((fd) => system.readLink(`${directory}/fd/${fd}`) === '/dev/vhost-net').length,
    vectors: parseVectors(cmdline),
    lockedKib: parseLockedKib(allowed(() => system.readText(`${directory}/limits`)) ?? ''),
  }
}

export function readOpenFiles(system: System, pid: number): OpenFiles | undefined {
  const directory = `${system.paths.proc}/${pid}`
  const limit = parseOpenFilesLimit(allowed(() => system.readText(`${directory}/limits`)) ?? '')
  return limit === undefined
    ? undefined
    : { limit, used: allowed(() => system.list(`${directory}/fd`))?.length }
}

/** The soft limit of "Max open files" in /proc/PID/limits; Infinity for unlimited. */
export function parseOpenFilesLimit(text: string): number | undefined {
  const soft = /^Max open files\s+(\S+)/m.exec(text)?.[1]
  if (soft === undefined) return undefined
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : parseWholeNumber(soft)
}

/** The soft limit of "Max locked memory" in /proc/PID/limits, which counts bytes. */
export function parseLockedKib(text: string): number | undefined {
  const soft = /^Max locked memory\s+(\S+)/m.exec(text)?.[1]
  if (soft === 'unlimited') return Number.POSITIVE_INFINITY
  const bytes = parseWholeNumber(soft)
  return bytes === undefined ? undefined : Math.floor(bytes / 1024)
}

/** libvirt starts every guest with `-name guest=NAME,...`, commas in the name doubled. */
export function isGuest(cmdline: string, domain: string): boolean {
  const args = cmdline.split('\0')
  const name = args.find((_, i) => args[i - 1] === '-name') ?? ''
  const wanted = `guest=${domain.replaceAll(',', ',,')}`
  // Two commas more are a comma of a longer name.
  return name === wanted || (name.startsWith(`${wanted},`) && name[wanted.length + 1] !== ',')
}

/** `vectors` of every virtio-net -device by MAC, in both spellings: JSON (newer libvirt) and key=value. */
export function parseVectors(cmdline: string): ReadonlyMap<string, number> {
  const args = cmdline.split('\0')
  const devices = args.filter((arg, i) => args[i - 1] === '-device' && /virtio-net/.test(arg))
  return new Map(
    devices.flatMap((device): [string, number][] => {
      const mac = /"?mac"?[=:]"?([0-9a-f:]{17})/i.exec(device)?.[1]?.toLowerCase()
      const vectors = /"?vectors"?[=:]"?(\d+)/.exec(device)?.[1]
      return mac === undefined || vectors === undefined ? [] : [[mac, Number(vectors)]]
    }),
  )
}

/** undefined where an unprivileged user has no access; any other failure is thrown. */
export function allowed<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    // ESRCH: the process ended between two reads.
    if (isDenied(error) || errnoOf(error) === 'ESRCH') return undefined
    throw error
  }
}
