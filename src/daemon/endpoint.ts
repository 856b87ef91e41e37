/** The optional metrics endpoint: GET /metrics on a unix socket or on 127.0.0.1, nothing else. */
import { lstatSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import type { ListenAddress } from '../config/settings'
import { messageOf, VqtuneError } from '../errors'
import { CONTENT_TYPES, chooseFormat, type MetricsFormat } from './prometheus'

export interface Endpoint {
  close(): Promise<void>
}

/**
 * @param metrics the text in the format that the scraper asked for
 * @throws VqtuneError kind state if the address cannot be bound
 */
export async function openEndpoint(
  address: ListenAddress,
  metrics: (format: MetricsFormat) => string,
): Promise<Endpoint> {
  const { createServer } = await import('node:http')
  const server = createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (request, response) => {
    const { method, url, headers } = request
    if (url !== '/metrics') {
      response.writeHead(404).end()
    } else if (method !== 'GET' && method !== 'HEAD') {
      response.writeHead(405, { Allow: 'GET, HEAD' }).end()
    } else {
      const format = chooseFormat(headers.accept)
      response.writeHead(200, { 'Content-Type': CONTENT_TYPES[format], Vary: 'Accept' })
      response.end(method === 'GET' ? metrics(format) : undefined)
    }
  })
  server.maxConnections = 16
  try {
    await listen(server, address)
  } catch (cause) {
    const where = address.kind === 'unix' ? address.path : `${address.host}:${address.port}`
    throw new VqtuneError('state', `metrics.listen ${where}: ${messageOf(cause)}`, { cause })
  }
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function listen(server: Server, address: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    if (address.kind === 'tcp') {
      server.listen(address.port, address.host, resolve)
      return
    }
    removeOldSocket(address.path)
    // bind(2) is done when listen() returns. A later chmod could hit another file at that path.
    const umask = process.umask(0o117)
    try {
      server.listen(address.path, resolve)
    } finally {
      process.umask(umask)
    }
  })
}

/** Left by a daemon that was killed; a guest has only one daemon. Anything but a socket is kept, and then listen() fails. */
function removeOldSocket(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) rmSync(path)
}
