import { setTimeout as sleep } from 'node:timers/promises'
import { JsonSocket } from './json-socket'
import { Limit } from './wait'

export interface ExecOptions {
  input?: string | Buffer
  /** Added to the agent's environment. */
  env?: Record<string, string>
  /** On the machine of reference: see wait.ts. 60 s unless told. */
  timeoutMs?: number
}

export interface ExecResult {
  code: number
  stdout: string
  stderr: string
}

/** Of a Limit; what measures how long limits must be has none of those. */
export type EndOfPatience = Pick<Limit, 'isOver' | 'toString'>

/** qemu-guest-agent: runs commands in the guest without its network. One request at a time, as the agent itself. */
export class GuestAgent {
  private last: Promise<unknown> = Promise.resolve()

  private constructor(private readonly socket: JsonSocket) {}

  static async open(path: string, limitMs: number): Promise<GuestAgent> {
    return new GuestAgent(await JsonSocket.open(path, limitMs))
  }

  /** Waits until the agent answers; drops what an earlier boot left in the channel. */
  async ready(limit: EndOfPatience): Promise<void> {
    await this.queued(() => this.sync(limit))
  }

  private async sync(limit: EndOfPatience): Promise<void> {
    for (;;) {
      const id = Math.floor(Math.random() * 2 ** 31)
      const answer = this.socket.next((message) => message.return === id, 1000, 'guest agent')
      this.socket.send({ execute: 'guest-sync', arguments: { id } })
      try {
        await answer
        return
      } catch (error) {
        if (await limit.isOver()) throw error
      }
    }
  }

  private queued<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work, work)
    this.last = result.catch(() => {})
    return result
  }

  run(command: string, args: Record<string, unknown> = {}, limitMs = 30_000): Promise<unknown> {
    return this.queued(async () => {
      // A number is the late answer to an earlier round of `sync`.
      const isAnswer = (m: Record<string, unknown>): boolean =>
        ('return' in m && typeof m.return !== 'number') || 'error' in m
      const answer = this.socket.next(isAnswer, limitMs, `agent ${command}`)
      this.socket.send({ execute: command, arguments: args })
      let message: Record<string, unknown>
      try {
        message = await answer
      } catch (error) {
        // Whatever comes late belongs to this request, not to the next.
        await this.sync(new Limit(10_000)).catch(() => {})
        throw error
      }
      const failure = message.error as { desc: string } | undefined
      if (failure) throw new Error(`agent ${command}: ${failure.desc}`)
      return message.return
    })
  }

  /** Runs argv to its end. A command that cannot be found rejects; any exit code resolves (128 + n for signal n). */
  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return this.execWithin(new Limit(options.timeoutMs ?? 60_000), argv, options)
  }

  async execWithin(
    limit: EndOfPatience,
    argv: readonly string[],
    { env, input }: ExecOptions = {},
  ): Promise<ExecResult> {
    const assignments = Object.entries(env ?? {}).map(([name, value]) => `${name}=${value}`)
    const [path, ...arg] = assignments.length > 0 ? ['env', ...assignments, ...argv] : argv
    const started = (await this.run('guest-exec', {
      path,
      arg,
      'capture-output': true,
      ...(input === undefined ? {} : { 'input-data': Buffer.from(input).toString('base64') }),
    })) as { pid: number }
    for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 1.5, 200)) {
      const status = (await this.run('guest-exec-status', { pid: started.pid })) as {
        exited: boolean
        exitcode?: number
        signal?: number
        'out-data'?: string
        'err-data'?: string
      }
      if (status.exited) {
        return {
          code: status.exitcode ?? 128 + (status.signal ?? 0),
          stdout: Buffer.from(status['out-data'] ?? '', 'base64').toString(),
          stderr: Buffer.from(status['err-data'] ?? '', 'base64').toString(),
        }
      }
      if (await limit.isOver()) {
        await this.run('guest-exec', { path: 'kill', arg: ['-KILL', String(started.pid)] }).catch(() => {})
        throw new Error(`guest: ${argv.join(' ')}: not done within ${limit}, killed`)
      }
      await sleep(pauseMs)
    }
  }

  close(): void {
    this.socket.close()
  }
}
