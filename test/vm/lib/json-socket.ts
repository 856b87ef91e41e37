import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { Limit, scaled } from './wait'

/** The other side is connected and silent. */
export class NoAnswerError extends Error {}

/** One JSON object per line over a unix socket: the framing of both QMP and the guest agent. */
export class JsonSocket {
  private readonly listeners = new Set<(message: Record<string, unknown>) => void>()

  private constructor(private readonly socket: Socket) {
    createInterface({ input: socket }).on('line', (line) => {
      // The agent prefixes its answer to guest-sync-delimited with 0xff; a guest reset can leave half a line.
      const text = line.replace(/^[^{]*/, '')
      let message: Record<string, unknown>
      try {
        message = JSON.parse(text) as Record<string, unknown>
      } catch {
        return
      }
      for (const listener of [...this.listeners]) listener(message)
    })
    socket.on('error', () => {})
  }

  /** @param limitMs of the machine of reference, as of all that talks to a guest: see wait.ts */
  static async open(path: string, limitMs: number): Promise<JsonSocket> {
    const limit = new Limit(limitMs)
    for (;;) {
      try {
        const socket = await new Promise<Socket>((resolve, reject) => {
          const attempt = connect(path, () => resolve(attempt))
          attempt.once('error', reject)
        })
        return new JsonSocket(socket)
      } catch (error) {
        if (await limit.isOver()) throw error
        await sleep(50)
      }
    }
  }

  send(message: unknown): void {
    this.socket.write(`${JSON.stringify(message)}\n`)
  }

  /** The first message that `accept` takes. */
  next(
    accept: (message: Record<string, unknown>) => boolean,
    limitMs: number,
    what: string,
  ): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      const timeoutMs = scaled(limitMs)
      const finish = (): void => {
        clearTimeout(timer)
        this.listeners.delete(listener)
        this.socket.off('close', onClose)
      }
      const timer = setTimeout(() => {
        finish()
        reject(new NoAnswerError(`${what}: no answer within ${timeoutMs} ms`))
      }, timeoutMs)
      const onClose = (): void => {
        finish()
        reject(new Error(`${what}: connection closed`))
      }
      const listener = (message: Record<string, unknown>): void => {
        if (!accept(message)) return
        finish()
        resolve(message)
      }
      this.listeners.add(listener)
      this.socket.once('close', onClose)
    })
  }

  onMessage(listener: (message: Record<string, unknown>) => void): void {
    this.listeners.add(listener)
  }

  close(): void {
    this.socket.destroy()
  }
}
