/** The endpoints of all daemons of a fleet, in one server: /N/metrics. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CONTENT_TYPES, chooseFormat } from '../../src/daemon/prometheus'
import { historyOf, metricsOf } from './fleet-guests'

/** A Prometheus takes no samples that are an hour older than its newest; ten minutes are for all first scrapes. */
const HISTORY_MINUTES = 50

export class FleetServer {
  /** How often each guest was scraped. */
  readonly scrapes: number[]
  private constructor(
    private readonly server: Server,
    guests: number,
    private readonly since: number,
  ) {
    this.scrapes = new Array<number>(guests).fill(0)
  }

  static async start(guests: number): Promise<FleetServer> {
    const server = createServer()
    const fleet = new FleetServer(server, guests, nowMinute() - HISTORY_MINUTES)
    server.on('request', ({ url, headers }, response) => {
      const guest = Number(/^\/(\d+)\/metrics$/.exec(url ?? '')?.[1])
      const round = fleet.scrapes[guest]
      if (round === undefined) return void response.writeHead(404).end()
      fleet.scrapes[guest] = round + 1
      const format = round === 0 ? 'text' : chooseFormat(headers.accept)
      response.writeHead(200, { 'content-type': CONTENT_TYPES[format] })
      const minute = nowMinute()
      response.end(
        round === 0
          ? historyOf(guest, minute - HISTORY_MINUTES, minute, fleet.since)
          : metricsOf(guest, minute, fleet.since, format),
      )
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return fleet
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** The first minute of what it tells. */
  get firstMinute(): number {
    return this.since
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    this.server.close()
    await once(this.server, 'close')
  }
}

const nowMinute = (): number => Math.floor(Date.now() / 60_000)
