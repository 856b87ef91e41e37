/**
 * The daemon: event sources and cron in, passes of the tuner, log, metrics and status out. All state that changes is
 * in the class; it ends when the signal is aborted, and leaves the NICs as they are.
 */
import { loadSettings } from '../config/load'
import type { Settings } from '../config/settings'
import { messageOf, VqtuneError } from '../errors'
import type { Logger } from '../logger'
import { renderMetrics } from '../output/prometheus'
import type { Host } from '../system/host'
import { Debounced } from './debounce'
import { type Endpoint, openEndpoint } from './endpoint'
import { guestFamilies } from './metrics'
import type { ServiceManager } from './notify'
import { type Schedule, startSchedule } from './schedule'
import { Sources } from './sources'
import { reportLines, statusLine } from './summary'
import { Teller } from './teller'
import { type PassResult, Tuner } from './tuner'

export class Daemon {
  private readonly teller: Teller
  private readonly tuner: Tuner
  private readonly passes: Debounced
  private readonly sources: Sources
  private schedule: Schedule | undefined
  private endpoint: Endpoint | undefined
  private again: NodeJS.Timeout | undefined
  private result: PassResult | undefined
  private checkedAt = 0
  private configValid = true
  private metricsText = ''

  constructor(
    private readonly host: Host,
    private settings: Settings,
    private readonly configFile: string | undefined,
    private readonly log: Logger,
    private readonly manager: ServiceManager,
    private readonly signal: AbortSignal,
  ) {
    this.teller = new Teller(log)
    this.tuner = new Tuner(host, this.teller, signal)
    this.passes = new Debounced(settings.daemon.debounceMs, (reasons) => this.pass(reasons))
    this.sources = new Sources(host, log, (reason) => this.passes.trigger(reason))
  }

  /** @throws VqtuneError kind config, or when the guest cannot be looked at even once */
  async run(): Promise<void> {
    this.schedule = this.newSchedule(this.settings)
    this.sources.start()
    await this.pass(['start'])
    await this.openMetrics(this.settings)
    this.manager.ready(this.statusLine())
    this.log.info({ config: this.settings.sources }, `ready: ${this.statusLine()}`)
    if (!this.signal.aborted) {
      await new Promise<void>((resolve) =>
        this.signal.addEventListener('abort', () => resolve(), { once: true }),
      )
    }
    await this.close()
  }

  /** SIGHUP. A configuration that is not valid changes nothing. */
  async reload(): Promise<void> {
    try {
      const settings = await loadSettings(this.host, this.configFile)
      const schedule = this.newSchedule(settings)
      this.schedule?.stop()
      this.schedule = schedule
      this.settings = settings
      this.configValid = true
      this.log.level = settings.daemon.logLevel
      this.passes.setQuietMs(settings.daemon.debounceMs)
      this.tuner.forgetConflicts()
      await this.endpoint?.close()
      this.endpoint = undefined
      await this.openMetrics(settings)
      this.log.info({ config: settings.sources }, 'configuration read again')
    } catch (error) {
      if (!(error instanceof VqtuneError)) throw error
      this.configValid = false
      this.log.error({ kind: error.kind }, `configuration not taken, the old one stays: ${error.message}`)
    }
    this.passes.trigger('reload')
  }

  private async close(): Promise<void> {
    this.log.info('stopping')
    clearTimeout(this.again)
    this.schedule?.stop()
    const told = this.manager.stopping()
    await Promise.all([this.sources.stop(), this.passes.close(), this.endpoint?.close(), told])
  }

  private newSchedule({ daemon }: Settings): Schedule {
    return startSchedule(daemon, {
      check: () => this.passes.trigger('periodic check'),
      report: () => this.report(),
    })
  }

  private async pass(reasons: readonly string[]): Promise<void> {
    this.log.debug({ reasons }, 'pass')
    clearTimeout(this.again)
    try {
      const result = await this.tuner.pass(this.settings)
      this.result = result
      this.checkedAt = Date.now()
      this.teller.trouble('pass', undefined)
      this.sources.follow(result.guest)
      if (result.againMs !== undefined && !this.signal.aborted) {
        this.again = setTimeout(() => this.passes.trigger('again'), Math.min(result.againMs, 2 ** 31 - 1))
      }
    } catch (error) {
      // Also a bug: a daemon that ends helps nobody, and its watchdog line would say less than the stack does.
      const text = error instanceof VqtuneError ? error.message : String((error as Error).stack ?? error)
      this.teller.trouble('pass', text)
    }
    this.publish()
  }

  private statusLine(): string {
    return statusLine(this.result, this.sources.down, this.configValid)
  }

  /** Metrics and status, each written only when it is another text. */
  private publish(): void {
    if (this.result !== undefined) {
      const { configValid, checkedAt } = this
      const health = { sources: this.sources.up, configValid, checkedAt }
      const text = renderMetrics([
        ...guestFamilies(this.result, this.settings, health),
        ...this.teller.counters.families(),
      ])
      const changed = text !== this.metricsText
      this.metricsText = text
      const { textfile } = this.settings.metrics
      if (textfile !== undefined && changed) this.writeTextfile(`${this.host.paths.root}${textfile}`, text)
    }
    if (this.schedule !== undefined) this.manager.status(this.statusLine())
  }

  private writeTextfile(path: string, text: string): void {
    try {
      this.host.replaceFile(path, text)
      this.teller.trouble('textfile', undefined)
    } catch (error) {
      this.teller.trouble('textfile', `${path}: cannot write the metrics: ${messageOf(error)}`)
    }
  }

  private async openMetrics({ metrics }: Settings): Promise<void> {
    if (metrics.listen === undefined) return
    try {
      this.endpoint = await openEndpoint(metrics.listen, () => this.metricsText)
      this.teller.trouble('endpoint', undefined)
    } catch (error) {
      // The NICs are worth more than their metrics.
      this.teller.trouble('endpoint', messageOf(error))
    }
  }

  private report(): void {
    if (this.result === undefined) return
    for (const { fields, text } of reportLines(this.result, this.settings)) this.log.info(fields, text)
  }
}
