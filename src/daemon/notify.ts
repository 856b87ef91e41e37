/**
 * Notifications to the service manager. Node cannot create a unix datagram socket. If the manager passes one that is
 * connected to itself (OpenFile=, systemd 253), messages are written to that. Otherwise systemd-notify is run: one short
 * child for each change of state and each keepalive. With the unit's WatchdogSec= of 1 h that is four per hour, and none
 * without a watchdog.
 *
 * That child must still exist when the manager reads the message, or the manager cannot attribute it and drops it. Since
 * systemd 246 systemd-notify waits for that. Before (RHEL 8 has 239) a message may get lost, more likely on a busy system.
 * So READY=1, without which the start fails, is repeated, and keepalives are sent four times as often as necessary.
 */
import { fstatSync, write } from 'node:fs'
import { promisify } from 'node:util'
import { messageOf } from '../errors'
import type { System } from '../system/system'
import { escapeToOneLine } from '../text/escape'

/** A line end would begin another message to the service manager, such as MAINPID=. */
function statusMessage(status: string): string {
  return `STATUS=${escapeToOneLine(status)}`
}

/** It waits until the manager has read the message, which takes long in a busy guest. */
const NOTIFY_LIMIT_MS = 30_000
/** Times after the first READY=1; if that one arrived, the repetitions have no effect. */
const READY_AGAIN_MS = [1_000, 5_000, 15_000] as const
const KEEPALIVES = 4
/** First file descriptor that a service manager passes (sd_listen_fds(3)). */
const FIRST_DESCRIPTOR = 3

type Environment = Readonly<Record<string, string | undefined>>
const writeTo = promisify(write)

/** The socket that the service manager opened with this name for this process, if any (sd_listen_fds_with_names(3)). */
function socketNamed(name: string, env: Environment): number | undefined {
  if (Number(env.LISTEN_PID) !== process.pid) return undefined
  const index = (env.LISTEN_FDNAMES ?? '').split(':').indexOf(name)
  const descriptor = FIRST_DESCRIPTOR + index
  return index !== -1 && isSocket(descriptor) ? descriptor : undefined
}

/** SELinux replaces a file that a service may not use by a null device, which accepts everything. */
function isSocket(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isSocket()
  } catch {
    return false
  }
}

export class ServiceManager {
  private lastStatus: string | undefined
  private problem: string | undefined
  private keepalive: NodeJS.Timeout | undefined
  private readyAgain: readonly NodeJS.Timeout[] = []
  /** Named in the drop-in vqtuned-open-notify.conf; undefined if there is none, or if a write to it failed. */
  private descriptor: number | undefined
  private readonly socket: string | undefined
  private readonly watchdogMs: number
  private queue: Promise<void> = Promise.resolve()

  /** @param env the environment as systemd made it: NOTIFY_SOCKET, LISTEN_PID, LISTEN_FDNAMES, WATCHDOG_USEC, WATCHDOG_PID */
  constructor(
    private readonly system: System,
    env: Environment,
    private readonly onProblem: (text: string) => void,
  ) {
    this.socket = env.NOTIFY_SOCKET
    this.descriptor = socketNamed('notify', env)
    const forUs = env.WATCHDOG_PID === undefined || Number(env.WATCHDOG_PID) === process.pid
    this.watchdogMs = forUs ? Number(env.WATCHDOG_USEC ?? 0) / 1000 : 0
  }

  ready(status: string): void {
    this.lastStatus = status
    this.send('READY=1', statusMessage(status))
    this.readyAgain = READY_AGAIN_MS.map((ms) => setTimeout(() => this.send('READY=1'), ms))
    // The timer runs in the event loop that does the work: if that hangs, systemd gets no keepalive.
    if (this.watchdogMs > 0 && this.keepalive === undefined) {
      this.keepalive = setInterval(() => this.send('WATCHDOG=1'), this.watchdogMs / KEEPALIVES)
    }
  }

  /** The line of `systemctl status`; sent only if it has changed. */
  status(status: string): void {
    if (status === this.lastStatus) return
    this.lastStatus = status
    this.send(statusMessage(status))
  }

  async stopping(): Promise<void> {
    clearInterval(this.keepalive)
    for (const timer of this.readyAgain) clearTimeout(timer)
    this.send('STOPPING=1', 'STATUS=stopping')
    await this.queue
  }

  /** In order, one at a time. */
  private send(...message: readonly string[]): void {
    const { socket } = this
    if (socket === undefined) return
    this.queue = this.queue
      .then(async () => {
        if (await this.written(message)) return
        const { code, stderr } = await this.system.run('systemd-notify', message, {
          env: { NOTIFY_SOCKET: socket },
          timeoutMs: NOTIFY_LIMIT_MS,
        })
        this.tell(code === 0 ? undefined : `systemd-notify: ${stderr.trim()}`)
      })
      .catch((error: unknown) => this.tell(messageOf(error)))
  }

  /** False without a descriptor, and after the first failed write: then a child is used. */
  private async written(message: readonly string[]): Promise<boolean> {
    if (this.descriptor === undefined) return false
    const text = message.join('\n')
    const ended = this.system.trace?.write('write', `the notify socket, descriptor ${this.descriptor}:`, text)
    try {
      await writeTo(this.descriptor, text)
      ended?.('ok')
      return true
    } catch (error) {
      ended?.(error)
      this.descriptor = undefined
      return false
    }
  }

  /** A problem is reported once, however often the message is sent. */
  private tell(problem: string | undefined): void {
    if (problem !== undefined && problem !== this.problem) this.onProblem(problem)
    this.problem = problem
  }
}
