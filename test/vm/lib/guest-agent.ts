import { setTimeout as sleep } from 'node:timers/promises'
import { JsonSocket } from './json-socket'

export interface ExecOptions {
  input?: string | Buffer
  /** Added to the agent's environment. */
  env?: Record<string, string>
  timeoutMs?: number
}

export interface ExecResult {
  code: number
  stdout: string
  stderr: string
}

/** qemu-guest-agent: runs commands in the guest without its network. One request at a time, as the agent itself. */
export class GuestAgent {
  private last: Promise<unknown> = Promise.resolve()

  private constructor(private readonly socket: JsonSocket) {}

  static async open(path: string, deadlineMs: number): Promise<GuestAgent> {
    return new GuestAgent(await JsonSocket.open(path, deadlineMs))
  }

  /** Waits until the agent answers; drops what an earlier boot left in the channel. */
  async ready(deadlineMs: number): Promise<void> {
    await this.queued(() => this.sync(deadlineMs))
  }

  private async sync(deadlineMs: number): Promise<void> {
    for (;;) {
      const id = Math.floor(Math.random() * 2 ** 31)
      const answer = this.socket.next((message) => message.return === id, 1000, 'guest agent')
      this.socket.send({ execute: 'guest-sync', arguments: { id } })
      try {
        await answer
        // Late answers to earlier rounds must not be taken for the next request's.
        await sleep(20)
        return
      } catch (error) {
        if (Date.now() > deadlineMs) throw error
      }
    }
  }

  private queued<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work, work)
    this.last = result.catch(() => {})
    return result
  }

  run(command: string, args: Record<string, unknown> = {}, timeoutMs = 30_000): Promise<unknown> {
    return this.queued(async () => {
      const answer = this.socket.next((m) => 'return' in m || 'error' in m, timeoutMs, `agent ${command}`)
      this.socket.send({ execute: command, arguments: args })
      let message: Record<string, unknown>
      try {
        message = await answer
      } catch (error) {
        // Whatever comes late belongs to this request, not to the next.
        await this.sync(Date.now() + 10_000).catch(() => {})
        throw error
      }
      const failure = message.error as { desc: string } | undefined
      if (failure) throw new Error(`agent ${command}: ${failure.desc}`)
      return message.return
    })
  }

  /** Runs argv to its end. A command that cannot be found rejects; any exit code resolves (128 + n for signal n). */
  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const { timeoutMs = 60_000, env, input } = options
    const assignments = Object.entries(env ?? {}).map(([name, value]) => `${name}=${value}`)
    const [path, ...arg] = assignments.length > 0 ? ['env', ...assignments, ...argv] : argv
    const started = (await this.run('guest-exec', {
      path,
      arg,
      'capture-output': true,
      ...(input === undefined ? {} : { 'input-data': Buffer.from(input).toString('base64') }),
    })) as { pid: number }
    const deadlineMs = Date.now() + timeoutMs
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
      if (Date.now() > deadlineMs) {
        await this.run('guest-exec', { path: 'kill', arg: ['-KILL', String(started.pid)] }).catch(() => {})
        throw new Error(`guest: ${argv.join(' ')}: not done within ${timeoutMs} ms, killed`)
      }
      await sleep(pauseMs)
    }
  }

  close(): void {
    this.socket.close()
  }
}
