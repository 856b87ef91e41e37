/** The optional metrics endpoint: GET /metrics on a unix socket or on 127.0.0.1, nothing else. */
import { chmodSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import type { ListenAddress } from '../config/settings'
import { messageOf, VqtuneError } from '../errors'

export interface Endpoint {
  close(): Promise<void>
}

/** @throws VqtuneError kind state when the address cannot be had */
export async function openEndpoint(address: ListenAddress, metrics: () => string): Promise<Endpoint> {
  const { createServer } = await import('node:http')
  const server = createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (request, response) => {
    const found = request.url === '/metrics' && (request.method === 'GET' || request.method === 'HEAD')
    response.writeHead(found ? 200 : 404, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' })
    response.end(found && request.method === 'GET' ? metrics() : '')
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
    // Left by a daemon that was killed; a living one holds no lock on it, but there is one daemon in a guest.
    rmSync(address.path, { force: true })
    server.listen(address.path, () => {
      chmodSync(address.path, 0o660)
      resolve()
    })
  })
}
