/**
 * One event source: a program that prints what happens, started again when it ends. Whatever becomes of it, the
 * periodic check goes on; so each change for the worse or the better is told once, not each try.
 */
import { CHILD_ENV, type Host } from '../system/host'

export interface MonitorSpec {
  /** Short name for people and metrics. */
  readonly name: string
  readonly tool: string
  readonly args: readonly string[]
  /** Shortest pause before it is started again, milliseconds; doubled up to a hundredfold. */
  readonly pauseMs: number
}

export interface MonitorEvents {
  onLine(line: string): void
  /** No events from this source until onUp. Called once for each outage. */
  onDown(why: string): void
  onUp(): void
}

const LONGEST_PAUSE_FACTOR = 100
/** A program that lasts this long counts as working. */
const PROVEN_MS = 3_000

export class Monitor {
  private abort: AbortController | undefined
  private pauseTimer: NodeJS.Timeout | undefined
  private tries = 0
  private state: 'new' | 'up' | 'down' = 'new'
  private toldGone = false
  private stopped = false
  private current: Promise<void> | undefined

  constructor(
    private readonly host: Host,
    readonly spec: MonitorSpec,
    private readonly events: MonitorEvents,
  ) {}

  get up(): boolean {
    return this.state === 'up'
  }

  /** Told as down; a source that has just been started is neither up nor down. */
  get down(): boolean {
    return this.state === 'down'
  }

  start(): void {
    this.current = this.runOnce()
  }

  async stop(): Promise<void> {
    this.stopped = true
    clearTimeout(this.pauseTimer)
    this.abort?.abort()
    await this.current
  }

  private async runOnce(): Promise<void> {
    const end = await this.follow()
    if (this.stopped) return
    // That the program is gone altogether is news, also during an outage: the remedy is another one.
    const gone = this.host.findTool(this.spec.tool) === undefined
    const why = gone ? `${this.spec.tool} is not installed` : end
    if (this.state !== 'down' || (gone && !this.toldGone)) {
      this.state = 'down'
      this.events.onDown(why)
    }
    this.toldGone = gone
    const pauseMs = this.spec.pauseMs * Math.min(2 ** this.tries, LONGEST_PAUSE_FACTOR)
    this.tries++
    this.pauseTimer = setTimeout(() => this.start(), pauseMs)
  }

  /** Runs the program until it ends. @returns why it ended. Never throws. */
  private async follow(): Promise<string> {
    const { tool, args } = this.spec
    const program = this.host.findTool(tool)
    if (program === undefined) return `${tool} is not installed`
    // Programs buffer what they print into a pipe; stdbuf (coreutils) becomes the program itself.
    const stdbuf = this.host.findTool('stdbuf')
    const [file, argv] = stdbuf === undefined ? [program, args] : [stdbuf, ['-oL', program, ...args]]
    const { execa } = await import('execa')
    if (this.stopped) return 'stopped'
    const abort = new AbortController()
    this.abort = abort
    const proven = setTimeout(() => this.markUp(), PROVEN_MS)
    const child = execa(file, [...argv], {
      env: { ...CHILD_ENV },
      extendEnv: false,
      stdin: 'ignore',
      buffer: false,
      reject: false,
      cancelSignal: abort.signal,
      forceKillAfterDelay: 2_000,
    })
    let complaint = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-500)
    })
    try {
      for await (const line of child.iterable({ from: 'stdout' })) {
        if (line === '') continue
        this.markUp()
        this.events.onLine(String(line))
      }
    } catch {
      // The end of the program, told below.
    }
    const result = await child
    clearTimeout(proven)
    const said = complaint.trim().split('\n')[0] ?? ''
    const end = result.signal === undefined ? `exit status ${result.exitCode}` : `signal ${result.signal}`
    return `${tool} ended (${end})${said === '' ? '' : `: ${said}`}`
  }

  private markUp(): void {
    if (this.state === 'up' || this.stopped) return
    const wasDown = this.state === 'down'
    this.state = 'up'
    this.tries = 0
    if (wasDown) this.events.onUp()
  }
}
