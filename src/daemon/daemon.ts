/**
 * The daemon: event sources and cron in; passes, log, metrics and status out. All mutable state is in the class. It ends
 * when the signal is aborted, and leaves the NICs as they are.
 */
import { loadSettings } from '../config/load'
import type { Settings } from '../config/settings'
import { guardReductionRecord, guardReturnRecords } from '../confirm/record'
import { type DriftRecord, readNewestHistory } from '../drift/history'
import { fileProblem, VqtuneError } from '../errors'
import { Guard, type GuardEvents } from '../guard/guard'
import { isAloneInProcfs } from '../kernel/processes'
import type { System } from '../system/system'
import { DaemonLog } from './daemon-log'
import { Debounced } from './debounce'
import { Exposition } from './exposition'
import { IdleHeap } from './idle-heap'
import type { DaemonLogger, Logger } from './logger'
import { guestFamilies } from './metrics'
import type { ServiceManager } from './notify'
import { type PassResult, ReconcileLoop } from './reconcile-loop'
import { type Schedule, startSchedule } from './schedule'
import { SeenStates } from './seen-states'
import { IRQBALANCE_CHANGED, LEDGER_WRITTEN, RINGS_CHANGED, Sources } from './sources'
import { reportLines, statusLine } from './summary'
import { type DaemonView, ownIdentity, removeView, writeView } from './view'

export class Daemon {
  private readonly log: Logger
  private readonly daemonLog: DaemonLog
  private readonly loop: ReconcileLoop
  private readonly passes: Debounced
  private readonly sources: Sources
  private readonly exposition: Exposition
  private readonly startedAt = Date.now()
  private readonly guard: Guard
  private readonly seenStates = new SeenStates()
  private readonly heap = new IdleHeap()
  private schedule: Schedule | undefined
  private again: NodeJS.Timeout | undefined
  private result: PassResult | undefined
  private checkedAt = 0
  private readonly identity: ReturnType<typeof ownIdentity>
  private configValid = true

  constructor(
    private readonly system: System,
    private settings: Settings,
    private readonly configFile: string | undefined,
    private readonly logger: DaemonLogger,
    private readonly manager: ServiceManager,
    private readonly signal: AbortSignal,
  ) {
    this.log = logger.log
    this.daemonLog = new DaemonLog(this.log, recentHistory(system))
    this.identity = ownIdentity(system)
    this.exposition = new Exposition(system, (topic, text) => this.daemonLog.problem(topic, text))
    this.loop = new ReconcileLoop(system, this.daemonLog, signal, undefined, () =>
      this.passes.trigger('confirm'),
    )
    this.passes = new Debounced(settings.daemon.debounceMs, (reasons) => this.pass(reasons))
    this.guard = new Guard(system, settings, this.guardEvents(), () => this.passes.trigger('guard'))
    this.sources = new Sources(
      system,
      this.log,
      (reason) => {
        // vqtune's own writes are no news.
        if (reason === LEDGER_WRITTEN && !this.loop.hasNewLedger) return
        if (reason === IRQBALANCE_CHANGED) this.loop.irqbalanceChanged()
        if (reason === RINGS_CHANGED) this.loop.ringsChanged()
        this.loop.scanProcesses(this.passes.trigger(reason))
      },
      () => this.publish(),
    )
  }

  /** @throws VqtuneError kind config, or if the guest cannot be observed at all */
  async run(): Promise<void> {
    this.schedule = this.newSchedule(this.settings)
    this.sources.start()
    await this.pass(['start'])
    await this.exposition.open(this.settings.metrics)
    this.manager.ready(this.statusLine())
    this.log.info({ config: this.settings.sources }, `ready: ${this.statusLine()}`)
    if (!this.signal.aborted) {
      await new Promise<void>((resolve) =>
        this.signal.addEventListener('abort', () => resolve(), { once: true }),
      )
    }
    await this.close()
  }

  /** SIGHUP. An invalid configuration changes nothing. */
  async reload(): Promise<void> {
    try {
      const settings = await loadSettings(this.system, this.configFile)
      const schedule = this.newSchedule(settings)
      this.schedule?.stop()
      this.schedule = schedule
      this.settings = settings
      this.configValid = true
      this.logger.configure(settings.daemon)
      this.passes.setQuietMs(settings.daemon.debounceMs)
      this.guard.configure(settings)
      await this.exposition.open(settings.metrics)
      this.log.info({ config: settings.sources }, 'configuration reloaded')
    } catch (error) {
      this.configValid = false
      const kind = error instanceof VqtuneError ? error.kind : 'bug'
      this.log.error(
        { kind },
        `configuration reload failed, the previous configuration stays in effect: ${reasonOf(error)}`,
      )
    }
    this.passes.trigger('reload')
  }

  private async close(): Promise<void> {
    this.log.info('stopping')
    clearTimeout(this.again)
    this.heap.close()
    this.schedule?.stop()
    const notified = this.manager.stopping()
    await Promise.all([this.sources.stop(), this.passes.close(), this.exposition.close(), notified])
    await this.guard.close()
    removeView(this.system)
  }

  private newSchedule({ daemon }: Settings): Schedule {
    return startSchedule(daemon, {
      check: () => this.passes.trigger('periodic check'),
      report: () => this.report(),
    })
  }

  private async pass(reasons: readonly string[]): Promise<void> {
    this.log.debug({ reasons }, `pass: ${reasons.join(', ')}`)
    clearTimeout(this.again)
    try {
      const result = await this.loop.run(this.settings)
      this.result = result
      this.checkedAt = Date.now()
      this.daemonLog.endPass(result.missing)
      this.daemonLog.problem('pass', undefined)
      this.daemonLog.problem('processes', isAloneInProcfs(this.system) ? HIDDEN : undefined)
      const alone = new Set(result.suspended.map(({ nic }) => nic))
      this.sources.follow(result.guest.nics.filter(({ name }) => !alone.has(name)))
      this.guard.afterPass(result)
      if (result.againMs !== undefined && !this.signal.aborted) {
        this.again = setTimeout(() => this.passes.trigger('again'), Math.min(result.againMs, 2 ** 31 - 1))
      }
    } catch (error) {
      // Bugs are caught, too: the daemon goes on, and the stack in the log says more than a restart would.
      this.daemonLog.endPass([])
      this.daemonLog.problem('pass', reasonOf(error))
    }
    this.publish()
  }

  private guardEvents(): GuardEvents {
    return {
      verdict: (judged) => {
        this.daemonLog.verdict(judged)
        if (judged.verdict !== 'guard-reduced') return
        this.loop.append(guardReductionRecord(judged, new Date().toISOString()), this.settings)
      },
      settingsVerdict: (judged) => {
        this.daemonLog.settingsVerdict(judged)
        if (judged.verdict !== 'guard-reduced') return
        const at = new Date().toISOString()
        for (const record of guardReturnRecords(judged, at)) this.loop.append(record, this.settings)
      },
      problem: (topic, text) => this.daemonLog.problem(topic, text),
    }
  }

  private statusLine(): string {
    return statusLine(this.result, this.sources.views, this.configValid)
  }

  /** Metrics, status and view; all but the last are written only if their text has changed. */
  private publish(): void {
    this.heap.used()
    const { result, settings, configValid, checkedAt, startedAt } = this
    if (result === undefined) return
    const sources = new Map(this.sources.views.map(({ name, state }) => [name, state === 'up']))
    const families = [
      ...guestFamilies(result, settings, { sources, configValid, startedAt }, this.seenStates),
      ...this.daemonLog.counters.families(result.guest.nics.map((nic) => nic.name)),
    ]
    this.exposition.publish(families, checkedAt, settings.metrics)
    this.show(result)
    this.manager.status(this.statusLine())
  }

  /** For `vqtune status`. */
  private show({ suspended }: PassResult): void {
    if (this.signal.aborted) return
    const view: DaemonView = {
      version: 1,
      ...this.identity,
      checkedAt: new Date(this.checkedAt).toISOString(),
      sources: this.sources.views,
      suspended,
      configValid: this.configValid,
      problems: this.daemonLog.currentProblems,
      recentDrift: this.daemonLog.recentDrift,
    }
    try {
      writeView(this.system, view)
      this.daemonLog.problem('status', undefined)
    } catch (error) {
      this.daemonLog.problem('status', `cannot write the state for vqtune status (${fileProblem(error)})`)
    }
  }

  private report(): void {
    if (this.result === undefined) return
    for (const { fields, text } of reportLines(this.result, this.settings)) this.log.info(fields, text)
  }
}

const HIDDEN =
  '/proc hides other processes from the daemon (hidepid=): only writers that the kernel or the audit log notes are named; put the group of its gid= into SupplementaryGroups= of vqtuned.service'

/** For a bug, the stack: the daemon goes on, and the stack in the log says more than a restart would. */
function reasonOf(error: unknown): string {
  return error instanceof VqtuneError ? error.message : String((error as Error).stack ?? error)
}

/** The history from before this start. If there is none yet, it is empty; if it cannot be read, that is reported when it is written to. */
function recentHistory(system: System): readonly DriftRecord[] {
  try {
    return readNewestHistory(system)
  } catch {
    return []
  }
}
