/**
 * Who set a setting, as the kernel noted it: the unit has kprobes set that note the process (systemd/writer-trace). What is
 * read here is the kernel's own evidence, and names a process that has exited since.
 */
import { readArguments, readLoginUid, readProcess } from '../kernel/processes'
import type { TunableName } from '../model'
import type { System } from '../system/system'
import { escapeToOneLine } from '../text/escape'
import { parentOf } from './process-scan'

export interface TracedWrite {
  readonly tunable: TunableName
  /** The kernel's command name: at most 15 characters. */
  readonly name: string
  readonly pid: number
  /** Seconds of the kernel's monotonic clock. */
  readonly at: number
  /** Channels that it set; undefined for other settings, and where the kernel cannot tell. */
  readonly count?: number
  /** The service that started it. */
  readonly parent?: { readonly name: string; readonly pid: number }
}

const TUNABLES: Readonly<Record<string, TunableName>> = {
  channels: 'channels',
  irq_affinity: 'irq-affinity',
  irq_affinity_list: 'irq-affinity',
  xps: 'xps',
  rps: 'rps',
  rfs: 'rfs',
  threaded: 'threaded-napi',
  rings: 'rings',
}

/** Writes of others later than `since`; empty where nothing is noted. @param ownPid writes nothing that needs attribution */
export function readTracedWrites(system: System, ownPid: number, since: number): readonly TracedWrite[] {
  for (const path of system.paths.writerTraces) {
    try {
      const text = system.readText(path)
      if (text !== undefined)
        return parseTrace(text)
          .filter(({ pid, at }) => pid !== ownPid && at > since)
          .map((write) => withService(system, write))
    } catch {
      // Not for this user, or not in this sandbox.
    }
  }
  return []
}

/** Any user can give a process the name of a service: only one that root runs as that service counts. */
function withService(system: System, { parent, ...write }: TracedWrite): TracedWrite {
  const service = parent === undefined ? undefined : parentOf(system, parent.pid)
  return service === undefined ? write : { ...write, parent: service }
}

/** Lines such as `ethtool-532 [001] ..... 123.456: channels: (virtnet_set_channels+0x0/0x120) count=2`. Pure. */
export function parseTrace(text: string): readonly TracedWrite[] {
  const started = new Map<number, { name: string; pid: number }>()
  return text.split('\n').flatMap((line): TracedWrite[] => {
    const fork = FORK.exec(line)
    if (fork !== null) started.set(Number(fork[3]), { name: fork[1] as string, pid: Number(fork[2]) })
    const found = WRITE.exec(line)
    const tunable = found === null ? undefined : TUNABLES[found[4] as string]
    if (found === null || tunable === undefined) return []
    const [, name = '', pid, at, , count] = found
    const parent = started.get(Number(pid))
    return [
      {
        tunable,
        name,
        pid: Number(pid),
        at: Number(at),
        ...(count === undefined ? {} : { count: Number(count) }),
        ...(parent === undefined ? {} : { parent }),
      },
    ]
  })
}

const WRITE =
  /^\s*(.{1,16})-(\d+)\s+(?:\(\s*[\d-]+\)\s+)?\[\d+\]\s+\S+\s+(\d+\.\d+): (\w+): \(.*?\)(?: count=(\d+))?\s*$/
const FORK = /: sched_process_fork: comm=(.{1,16}) pid=(\d+) child_comm=.{1,16} child_pid=(\d+)\s*$/

/** The last process that the kernel noted for this change; undefined for none, or if several wrote. Pure. */
export function tracedWriter(
  writes: readonly TracedWrite[],
  tunable: TunableName,
  value: string,
): TracedWrite | undefined {
  const able = writes.filter(
    (write) => write.tunable === tunable && (write.count === undefined || String(write.count) === value),
  )
  const last = able.at(-1)
  if (last === undefined) return undefined
  // Of channels the last one counts; a set of masks may be the work of several.
  const isOne = tunable === 'channels' || able.every(({ name }) => name === last.name)
  return isOne ? last : undefined
}

/** What is known of it besides, if it still runs: a shell that somebody typed into does. */
export function describeTraced(system: System, { name, pid, count, parent }: TracedWrite): string {
  const still = readProcess(system, pid)
  const login = still?.name === name ? readLoginUid(system, pid) : undefined
  const args = still?.name === name ? readArguments(system, pid).join(' ') : ''
  const more = [
    ...(parent === undefined ? [] : [`started by ${parent.name} ${parent.pid}`]),
    ...(args === '' || args === name
      ? []
      : [`command ${args.length <= 60 ? args : `${args.slice(0, 57)}...`}`]),
    ...(login === undefined ? [] : [`login uid ${login}`]),
  ]
  const what = count === undefined ? 'wrote it' : `set ${count} channels`
  return escapeToOneLine(
    `${name} (pid ${pid}${more.map((text) => `, ${text}`).join('')}) ${what}, as the kernel noted`,
  )
}
