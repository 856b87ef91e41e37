/**
 * One event source: a program that prints events, restarted when it ends. The periodic check does not depend on it; so
 * only the start and the end of an outage are reported, not each attempt.
 */
import type { ChildProcess } from 'node:child_process'
import { messageOf } from '../errors'
import { abandonChild, startChild } from '../system/child'
import { CHILD_ENV, type System } from '../system/system'
import type { SourceView } from './view'

export interface MonitorSpec {
  /** Short name for messages and metrics. */
  readonly name: string
  readonly tool: string
  readonly args: readonly string[]
  /** Shortest pause before it is restarted, milliseconds; doubled up to a hundredfold. */
  readonly pauseMs: number
}

export interface MonitorEvents {
  onLine(line: string): void
  /** No events from this source until onUp. Called once for each outage. */
  onDown(why: string): void
  /** @param first true for the first start; otherwise an outage is over */
  onUp(first: boolean): void
}

const MAX_PAUSE_FACTOR = 100
/** A program that lasts this long counts as working. */
const UP_AFTER_MS = 3_000
/** A program that does not end on SIGTERM is killed, and no longer waited for. */
const KILL_AFTER_MS = 2_000
/** Characters kept of a line without an end; no event is that long. */
const MAX_LINE_LENGTH = 65_536

export class Monitor {
  private child: ChildProcess | undefined
  private pauseTimer: NodeJS.Timeout | undefined
  private tries = 0
  private state: SourceView['state'] = 'starting'
  private why = ''
  private toldGone = false
  private stopped = false
  private current: Promise<void> | undefined

  constructor(
    private readonly system: System,
    readonly spec: MonitorSpec,
    private readonly events: MonitorEvents,
  ) {}

  /** A source that has just been started is neither up nor reported as down. */
  get view(): SourceView {
    return { name: this.spec.name, state: this.state, why: this.state === 'down' ? this.why : null }
  }

  start(): void {
    this.current = this.runOnce()
  }

  async stop(): Promise<void> {
    this.stopped = true
    clearTimeout(this.pauseTimer)
    const { child } = this
    if (child === undefined) return this.current
    child.kill()
    let timer: NodeJS.Timeout | undefined
    const given = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        abandonChild(child, false)
        resolve()
      }, KILL_AFTER_MS)
    })
    await Promise.race([this.current, given])
    clearTimeout(timer)
  }

  private async runOnce(): Promise<void> {
    const end = await this.follow().catch(messageOf)
    if (this.stopped) return
    // A missing program is reported even during an outage: the remedy is a different one.
    const gone = this.system.findTool(this.spec.tool) === undefined
    const why = gone ? `${this.spec.tool} is not installed` : end
    if (this.state !== 'down' || (gone && !this.toldGone)) {
      this.state = 'down'
      this.why = why
      this.events.onDown(why)
    }
    this.toldGone = gone
    const pauseMs = this.spec.pauseMs * Math.min(2 ** this.tries, MAX_PAUSE_FACTOR)
    this.tries++
    this.pauseTimer = setTimeout(() => this.start(), pauseMs)
  }

  /**
   * Runs the program until it ends.
   * @returns why it ended
   * @throws VqtuneError kind tool-failed when it cannot be started
   */
  private async follow(): Promise<string> {
    const { tool, args } = this.spec
    const program = this.system.findTool(tool)
    if (program === undefined) return `${tool} is not installed`
    // Programs buffer what they print into a pipe; stdbuf (coreutils) becomes the program itself.
    const stdbuf = this.system.findTool('stdbuf')
    const [file, argv] = stdbuf === undefined ? [program, args] : [stdbuf, ['-oL', program, ...args]]
    // Not execa: it would add half as much memory again to the whole idle daemon (bench/idle).
    const { process: child, ended } = startChild(file, argv, {
      env: { ...CHILD_ENV },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child = child
    const traced = this.system.trace?.start([file, ...argv], child.pid)
    const verified = setTimeout(() => this.markUp(), UP_AFTER_MS)
    let complaint = ''
    // No streams when there are no descriptors left (EMFILE); the error follows.
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-500)
    })
    let unfinished = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (unfinished + text).split('\n')
      unfinished = (lines.pop() ?? '').slice(-MAX_LINE_LENGTH)
      for (const line of lines) if (line !== '') this.gotLine(line)
    })
    try {
      const { code, signal } = await ended
      const how = signal === null ? `exit status ${code}` : `signal ${signal}`
      traced?.(how)
      const said = complaint.trim().split('\n')[0] ?? ''
      return `${tool} ended (${how})${said === '' ? '' : `: ${said}`}`
    } finally {
      clearTimeout(verified)
      this.child = undefined
    }
  }

  private gotLine(line: string): void {
    this.markUp()
    this.events.onLine(line)
  }

  private markUp(): void {
    if (this.state === 'up' || this.stopped) return
    const first = this.state === 'starting'
    this.state = 'up'
    this.tries = 0
    this.events.onUp(first)
  }
}
