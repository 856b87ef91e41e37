/** One kprobe with a histogram in tracefs: created, read and removed without touching any other. */
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { errnoOf, isDenied, messageOf, VqtuneError } from '../../errors'
import { type System, tracedWrite } from '../../system/system'
import { parseHistogram } from './histogram'

/** Our events' group; the name ends in our process id. */
const GROUP = 'vqtune'
const NAME_PREFIX = 'zerocopy_'
const TRIGGER = 'hist:keys=success'

/** @throws VqtuneError kind unsupported when tracefs is not mounted. vqtune never mounts it. */
export function findTracefs(system: System): string {
  const candidates = system.paths.hypervisor.tracefs
  let found: string | undefined
  try {
    // Only root may list these directories; for anybody else even that fails.
    found = candidates.find((directory) => system.list(directory).includes('kprobe_events'))
  } catch (error) {
    throw tracefsError(candidates[0] ?? '', error)
  }
  if (found !== undefined) return found
  const mounted = candidates.some((directory) => system.exists(`${directory}/events`))
  throw new VqtuneError(
    'unsupported',
    mounted
      ? 'this kernel has no kprobe events (CONFIG_KPROBE_EVENTS)'
      : `tracefs is not mounted; run mount -t tracefs tracefs ${candidates[0]}`,
  )
}

export class SuccessProbe {
  private readonly name: string
  private readonly event: string

  private constructor(
    private readonly system: System,
    private readonly tracefs: string,
    pid: number,
  ) {
    this.name = `${GROUP}/${NAME_PREFIX}${pid}`
    this.event = `${tracefs}/events/${this.name}`
  }

  /**
   * Starts counting calls of a function by a bool argument.
   * @param location `vhost_net:FUNCTION`. @param fetches how to fetch the argument, tried in turn.
   */
  static start(
    system: System,
    location: string,
    fetches: readonly string[],
    pid = process.pid,
  ): SuccessProbe {
    const tracefs = findTracefs(system)
    removeLeftovers(system, tracefs)
    const probe = new SuccessProbe(system, tracefs, pid)
    probe.create(location, fetches)
    try {
      append(system, `${probe.event}/trigger`, TRIGGER)
    } catch (error) {
      probe.remove()
      if (errnoOf(error) === undefined || isDenied(error)) throw tracefsError(`${probe.event}/trigger`, error)
      throw new VqtuneError('unsupported', 'this kernel has no histogram triggers (CONFIG_HIST_TRIGGERS)', {
        cause: error,
      })
    }
    return probe
  }

  private create(location: string, fetches: readonly string[]): void {
    let failure: unknown
    for (const fetch of fetches) {
      try {
        append(this.system, `${this.tracefs}/kprobe_events`, `p:${this.name} ${location} success=${fetch}`)
        return
      } catch (error) {
        failure = error
        if (isDenied(error)) break
      }
    }
    throw tracefsError(`${this.tracefs}/kprobe_events`, failure)
  }

  /** Calls so far by argument value. */
  counts(): ReadonlyMap<number, number> {
    return parseHistogram(this.system.readText(`${this.event}/hist`) ?? '')
  }

  /** Removes everything. @throws VqtuneError naming what is left. */
  remove(): void {
    removeEvent(this.system, this.tracefs, this.name)
  }
}

/** Events of vqtune processes that were killed. */
function removeLeftovers(system: System, tracefs: string): void {
  for (const entry of system.list(`${tracefs}/events/${GROUP}`)) {
    const pid = entry.startsWith(NAME_PREFIX) ? entry.slice(NAME_PREFIX.length) : undefined
    if (pid !== undefined && !system.exists(`${system.paths.proc}/${pid}`))
      removeEvent(system, tracefs, `${GROUP}/${entry}`)
  }
}

function removeEvent(system: System, tracefs: string, name: string): void {
  const directory = `${tracefs}/events/${name}`
  try {
    // An event with a trigger is busy. "None" fails to remove, which is fine: then there was none.
    if (system.exists(`${directory}/trigger`)) append(system, `${directory}/trigger`, `!${TRIGGER}`)
  } catch {
    // Whether it mattered shows in the removal below.
  }
  try {
    append(system, `${tracefs}/kprobe_events`, `-:${name}`)
  } catch (error) {
    if (!system.exists(directory)) return
    throw new VqtuneError(
      'state',
      `${tracefs}/kprobe_events: cannot remove ${name}: ${messageOf(error)}; to remove it: echo '-:${name}' >> ${tracefs}/kprobe_events`,
      { cause: error },
    )
  }
}

/** Must append: opening kprobe_events with O_TRUNC deletes all kprobes of the system. */
function append(system: System, path: string, text: string): void {
  tracedWrite(system, 'write', path, text, () => {
    const fd = openSync(path, constants.O_WRONLY | constants.O_APPEND)
    try {
      writeSync(fd, `${text}\n`)
    } finally {
      closeSync(fd)
    }
  })
}

function tracefsError(path: string, error: unknown): VqtuneError {
  if (isDenied(error)) {
    return new VqtuneError(
      'permission',
      `${path}: cannot write: permission denied; run as root, and not under kernel lockdown`,
      {
        cause: error,
      },
    )
  }
  return new VqtuneError('unsupported', `${path}: the kernel refused the probe: ${messageOf(error)}`, {
    cause: error,
  })
}
