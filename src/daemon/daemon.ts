/**
 * The daemon: event sources and cron in, passes of the tuner, log, metrics and status out. All state that changes is
 * in the class; it ends when the signal is aborted, and leaves the NICs as they are.
 */
import { loadSettings } from '../config/load'
import type { Settings } from '../config/settings'
import { messageOf, VqtuneError } from '../errors'
import type { Logger } from '../logger'
import { describeStep, plural, summarise } from '../output/describe'
import { renderMetrics } from '../output/prometheus'
import { planGuest } from '../plan'
import { judgePrivacy } from '../privacy'
import type { Host } from '../system/host'
import { settingDirectories, WriteWatch } from '../system/write-watch'
import { Debounced } from './debounce'
import { type Endpoint, openEndpoint } from './endpoint'
import { Counters, guestFamilies, type Health } from './metrics'
import { Monitor } from './monitor'
import type { ServiceManager } from './notify'
import { type Schedule, startSchedule } from './schedule'
import { type PassResult, Tuner, type TunerEvents } from './tuner'
import { concernsUs, parseKernelEvent } from './udev-events'

const MONITOR_PAUSE_MS = 1_000

export class Daemon {
  private readonly tuner: Tuner
  private readonly passes: Debounced
  private readonly monitors: readonly Monitor[]
  private readonly writes: WriteWatch
  private readonly counters = new Counters()
  private readonly troubles = new Map<string, string>()
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
    this.tuner = new Tuner(host, this.tunerEvents(), signal)
    this.passes = new Debounced(settings.daemon.debounceMs, (reasons) => this.pass(reasons))
    this.writes = new WriteWatch((path) => this.passes.trigger(`write to ${path}`))
    this.monitors = [
      this.monitor('udev', 'udevadm', [
        'monitor',
        // The kernel's own events: they also come while udevd is down.
        '--kernel',
        '--subsystem-match=net',
        '--subsystem-match=queues',
        '--subsystem-match=cpu',
      ]),
      this.monitor('ethtool', 'ethtool', ['--monitor']),
    ]
  }

  /** @throws VqtuneError kind config, or when the guest cannot be looked at even once */
  async run(): Promise<void> {
    this.schedule = await this.newSchedule(this.settings)
    for (const monitor of this.monitors) monitor.start()
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
      const schedule = await this.newSchedule(settings)
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
    this.writes.close()
    await Promise.all([
      ...this.monitors.map((monitor) => monitor.stop()),
      this.passes.close(),
      this.endpoint?.close(),
      told,
    ])
  }

  private async newSchedule({ daemon }: Settings): Promise<Schedule> {
    return startSchedule(daemon, {
      check: () => this.passes.trigger('periodic check'),
      report: () => this.report(),
    })
  }

  private monitor(name: string, tool: string, args: readonly string[]): Monitor {
    return new Monitor(
      this.host,
      { name, tool, args, pauseMs: MONITOR_PAUSE_MS },
      {
        onLine: (line) => this.onLine(name, line),
        onDown: (why) => {
          this.log.warn(
            { source: name },
            `no events from ${name}: ${why}; the periodic check goes on, ${name} is tried again`,
          )
          this.passes.trigger(`${name} down`)
        },
        onUp: () => {
          this.log.info({ source: name }, `events from ${name} again`)
          // What happened in between went unseen.
          this.passes.trigger(`${name} up`)
        },
      },
    )
  }

  private onLine(source: string, line: string): void {
    if (source === 'udev') {
      const event = parseKernelEvent(line)
      if (event === undefined || !concernsUs(event)) return
      this.passes.trigger(`${event.subsystem} ${event.action}`)
    } else if (/^Channel parameters for /.test(line)) {
      this.passes.trigger('ethtool channels')
    }
  }

  private async pass(reasons: readonly string[]): Promise<void> {
    this.log.debug({ reasons }, 'pass')
    clearTimeout(this.again)
    try {
      const result = await this.tuner.pass(this.settings)
      this.result = result
      this.checkedAt = Date.now()
      this.tell('pass', undefined)
      this.writes.follow(settingDirectories(this.host, result.guest.nics))
      if (result.againMs !== undefined && !this.signal.aborted) {
        this.again = setTimeout(() => this.passes.trigger('again'), Math.min(result.againMs, 2 ** 31 - 1))
      }
    } catch (error) {
      // Also a bug: a daemon that ends helps nobody, and its watchdog line would say less than the stack does.
      const text = error instanceof VqtuneError ? error.message : String((error as Error).stack ?? error)
      this.tell('pass', text)
    }
    this.publish()
  }

  private tunerEvents(): TunerEvents {
    return {
      drift: (record) => {
        this.counters.countDrift(record)
        const { nic, kind, writer, action, why } = record
        const where = nic === null ? '' : `${nic}: `
        const by = writer === 'unknown' ? 'an unknown writer' : writer
        const end = why === '' ? action : `${action}: ${why}`
        const text = `${where}${kind} ${record.old} -> ${record.new} by ${by} (${record.evidence}); ${end}`
        if (action === 'failed' || action === 'backed-off') this.log.warn(record, text)
        else this.log.info(record, text)
      },
      write: ({ step, result, why }) => {
        this.counters.countWrite(result)
        const fields = {
          nic: step.nic,
          setting: step.kind,
          old: step.old,
          new: step.new,
          reason: step.reason,
        }
        const text = `${describeStep(step)} (${step.reason})`
        if (result === 'done') this.log.info(fields, text)
        // A failed write is tried again; the reconcile tells once when it stays that way.
        else this.log.debug({ ...fields, result, why }, `${text}: ${result}: ${why}`)
      },
      fight: (nic, rival, verdict) => {
        this.counters.countFight(nic)
        const who = rival.name === 'unknown' ? 'an unknown writer' : rival.name
        this.log.warn(
          { nic, rival: rival.name, evidence: rival.evidence, awaySeconds: verdict.awaySeconds },
          `${nic}: ${who} reversed its settings ${verdict.reversals} times (${rival.evidence}); left alone for ${verdict.awaySeconds} s`,
        )
      },
      trouble: (topic, text) => {
        if (topic === 'reconcile' && text !== undefined) this.counters.countFailure()
        this.tell(topic, text)
      },
    }
  }

  /** A trouble is told when it begins, when it becomes another, and when it is over; never twice. */
  private tell(topic: string, text: string | undefined): void {
    const known = this.troubles.get(topic)
    if (known === text) return
    if (text === undefined) {
      this.troubles.delete(topic)
      this.log.info({ topic }, `over: ${known}`)
    } else {
      this.troubles.set(topic, text)
      this.log.warn({ topic }, text)
    }
  }

  private statusLine(): string {
    const { result } = this
    if (result === undefined) return 'waiting for a first look at the guest'
    const { guest, missing, skips } = result
    const nics = plural(guest.nics.length, 'NIC')
    const parts = [`${nics}, ${plural(guest.cpus.online.length, 'vCPU')}`]
    const alone = new Set(skips.filter((skip) => skip.tunable === undefined).map((skip) => skip.nic))
    if (missing.length > 0) parts.push(`${plural(missing.length, 'change')} missing`)
    if (alone.size > 0) parts.push(`left alone: ${[...alone].join(', ')}`)
    if (missing.length === 0 && alone.size === 0) parts.push('as desired')
    const down = this.monitors.filter((monitor) => monitor.down).map((monitor) => monitor.spec.name)
    if (down.length > 0) parts.push(`no events from ${down.join(', ')}`)
    if (!this.configValid) parts.push('new configuration refused')
    return parts.join('; ')
  }

  /** Metrics and status, each written only when it is another text. */
  private publish(): void {
    if (this.result !== undefined) {
      const health: Health = {
        sources: new Map(this.monitors.map((monitor) => [monitor.spec.name, monitor.up])),
        configValid: this.configValid,
        checkedAt: this.checkedAt,
      }
      const text = renderMetrics([
        ...guestFamilies(this.result, this.settings, health),
        ...this.counters.families(),
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
      this.tell('textfile', undefined)
    } catch (error) {
      this.tell('textfile', `${path}: cannot write the metrics: ${messageOf(error)}`)
    }
  }

  private async openMetrics({ metrics }: Settings): Promise<void> {
    if (metrics.listen === undefined) return
    try {
      this.endpoint = await openEndpoint(metrics.listen, () => this.metricsText)
      this.tell('endpoint', undefined)
    } catch (error) {
      // The NICs are worth more than their metrics.
      this.tell('endpoint', messageOf(error))
    }
  }

  /** One line for each NIC, whether or not anything is wrong. */
  private report(): void {
    if (this.result === undefined) return
    const plans = planGuest(this.result.guest, this.settings)
    for (const plan of plans) {
      const { nic, desired } = plan
      const alone = this.result.skips.find((skip) => skip.nic === nic.name && skip.tunable === undefined)
      const text = summarise(plan, judgePrivacy(nic, desired))
      this.log.info(
        {
          nic: nic.name,
          channels: nic.channels.current,
          target: desired.target,
          limitedBy: desired.limitedBy,
        },
        `report: ${text}${alone === undefined ? '' : `; ${alone.why}`}`,
      )
    }
    if (plans.length === 0) this.log.info('report: no virtio-net NIC')
  }
}
