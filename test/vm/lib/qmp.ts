import { JsonSocket } from './json-socket'

/** QEMU's machine protocol: hot-plug, reset, quit. */
export class Qmp {
  private lastId = 0

  private constructor(private readonly socket: JsonSocket) {}

  static async open(path: string, limitMs: number): Promise<Qmp> {
    const socket = await JsonSocket.open(path, limitMs)
    const qmp = new Qmp(socket)
    await qmp.run('qmp_capabilities')
    return qmp
  }

  async run(command: string, args: Record<string, unknown> = {}, limitMs = 20_000): Promise<unknown> {
    const id = ++this.lastId
    const answer = this.socket.next((message) => message.id === id, limitMs, `QMP ${command}`)
    this.socket.send({ execute: command, arguments: args, id })
    const { error, return: result } = await answer
    if (error) throw new Error(`QMP ${command} ${JSON.stringify(args)}: ${(error as { desc: string }).desc}`)
    return result
  }

  /** Resolves at the event. Call it before what causes the event. */
  async event(
    name: string,
    limitMs: number,
    accept: (data: Record<string, unknown>) => boolean = () => true,
  ): Promise<void> {
    await this.socket.next(
      (message) => message.event === name && accept((message.data ?? {}) as Record<string, unknown>),
      limitMs,
      `QMP event ${name}`,
    )
  }

  close(): void {
    this.socket.close()
  }
}
