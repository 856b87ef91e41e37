/**
 * What the service manager is told. Node cannot send to a unix datagram socket, so systemd-notify is run: one short
 * child for each change of state, and one for each keepalive. With the unit's WatchdogSec= of 1 h that is four an hour,
 * and none without a watchdog.
 *
 * It must still be there when the manager reads the message, or the manager does not know whose it is and drops it. Since
 * systemd 246 it waits for that. Before (RHEL 8 has 239) a message may be lost, the likelier the busier the manager is.
 * So READY=1, without which the start fails, is sent again, and keepalives come four times as often as they must.
 */
import { messageOf } from '../errors'
import type { Host } from '../system/host'
import { oneLine } from '../untrusted'

/** A line end would begin another message to the service manager, such as MAINPID=. */
function statusArgument(status: string): string {
  return `--status=${oneLine(status)}`
}

/** It waits until the manager has taken the message, which a busy guest may keep waiting. */
const NOTIFY_LIMIT_MS = 30_000
/** Times after the first READY=1; one that was not lost changes nothing any more. */
const READY_AGAIN_MS = [1_000, 5_000, 15_000] as const
const KEEPALIVES = 4

export class ServiceManager {
  private lastStatus: string | undefined
  private problem: string | undefined
  private keepalive: NodeJS.Timeout | undefined
  private readyAgain: readonly NodeJS.Timeout[] = []
  private readonly socket: string | undefined
  private readonly watchdogMs: number
  private queue: Promise<void> = Promise.resolve()

  /** @param env the environment as systemd made it: NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID */
  constructor(
    private readonly host: Host,
    env: Readonly<Record<string, string | undefined>>,
    private readonly onProblem: (text: string) => void,
  ) {
    this.socket = env.NOTIFY_SOCKET
    const forUs = env.WATCHDOG_PID === undefined || Number(env.WATCHDOG_PID) === process.pid
    this.watchdogMs = forUs ? Number(env.WATCHDOG_USEC ?? 0) / 1000 : 0
  }

  ready(status: string): void {
    this.lastStatus = status
    this.send(['--ready', statusArgument(status)])
    this.readyAgain = READY_AGAIN_MS.map((ms) => setTimeout(() => this.send(['--ready']), ms))
    // The timer runs in the event loop that does the work: when that hangs, systemd hears nothing.
    if (this.watchdogMs > 0 && this.keepalive === undefined) {
      this.keepalive = setInterval(() => this.send(['WATCHDOG=1']), this.watchdogMs / KEEPALIVES)
    }
  }

  /** The line of `systemctl status`; sent only when it is another one. */
  status(status: string): void {
    if (status === this.lastStatus) return
    this.lastStatus = status
    this.send([statusArgument(status)])
  }

  async stopping(): Promise<void> {
    clearInterval(this.keepalive)
    for (const timer of this.readyAgain) clearTimeout(timer)
    this.send(['STOPPING=1', '--status=stopping'])
    await this.queue
  }

  /** In order, one at a time. */
  private send(args: readonly string[]): void {
    const { socket } = this
    if (socket === undefined) return
    this.queue = this.queue
      .then(async () => {
        const { code, stderr } = await this.host.run('systemd-notify', args, {
          env: { NOTIFY_SOCKET: socket },
          timeoutMs: NOTIFY_LIMIT_MS,
        })
        this.tell(code === 0 ? undefined : `systemd-notify: ${stderr.trim()}`)
      })
      .catch((error: unknown) => this.tell(messageOf(error)))
  }

  /** A problem is told once, however often the message is tried. */
  private tell(problem: string | undefined): void {
    if (problem !== undefined && problem !== this.problem) this.onProblem(problem)
    this.problem = problem
  }
}
