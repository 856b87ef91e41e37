/** One message to another program over its UNIX socket, and the answer. The kernel tells the peer who asks. */
import { createConnection } from 'node:net'
import { errnoOf, messageOf, VqtuneError } from '../errors'
import type { System } from './system'

/** More than any answer. */
const MAX_ANSWER_BYTES = 1024 * 1024

/**
 * Sends one message, and reads until the peer closes the connection.
 * @param limitMs milliseconds for all of it
 * @returns the answer; empty if there is none
 * @throws VqtuneError kind vanished (nobody listens), timeout, tool-failed
 */
export async function askSocket(
  { trace }: Pick<System, 'trace'>,
  path: string,
  message: string,
  limitMs: number,
): Promise<string> {
  const ended = trace?.write('write', path, message)
  const socket = createConnection({ path })
  let timer: NodeJS.Timeout | undefined
  try {
    const answer = await new Promise<string>((resolve, reject) => {
      const chunks: Buffer[] = []
      let size = 0
      const answered = (): void => resolve(Buffer.concat(chunks).toString('utf8'))
      const late = new VqtuneError('timeout', `${path}: no answer within ${limitMs} ms`)
      timer = setTimeout(() => reject(late), limitMs)
      socket.on('connect', () => socket.write(message))
      socket.on('data', (chunk) => {
        chunks.push(chunk)
        size += chunk.length
        if (size > MAX_ANSWER_BYTES) reject(new VqtuneError('tool-failed', `${path}: its answer has no end`))
      })
      socket.on('end', answered)
      socket.on('error', (error) => {
        const errno = errnoOf(error) ?? messageOf(error)
        // A peer that closes before it has read the whole message: old versions read 500 bytes.
        if (errno === 'ECONNRESET' || errno === 'EPIPE') return answered()
        const kind = errno === 'ECONNREFUSED' || errno === 'ENOENT' ? 'vanished' : 'tool-failed'
        reject(new VqtuneError(kind, `${path}: cannot connect (${errno})`, { cause: error }))
      })
    })
    ended?.('ok')
    return answer
  } catch (error) {
    ended?.(error)
    throw error
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}
