/** The event sources: kernel events from udevadm, channel changes from ethtool, writes from inotify. */

import { basename } from '../kernel/nics'
import type { ObservedNic } from '../model'
import { ledgerPath } from '../planner/ledger'
import type { System } from '../system/system'
import { WriteWatch } from '../system/write-watch'
import { settingDirectories } from '../tunables/engine'
import type { Logger } from './logger'
import { Monitor } from './monitor'
import { concernsUs, parseKernelEvent } from './udev-events'
import type { SourceView } from './view'

export const LEDGER_WRITTEN = 'ledger written'
const MONITOR_PAUSE_MS = 1_000

/** Reasons for a pass. */
export const RINGS_CHANGED = 'ethtool rings'
export const IRQBALANCE_CHANGED = 'irqbalance started or stopped'

export class Sources {
  private readonly monitors: readonly Monitor[]
  private readonly writes: WriteWatch
  private readonly ledger: WriteWatch
  private readonly sockets: WriteWatch

  /**
   * @param onEvent called with the reason for a pass, one of a small set
   * @param onReady called when a source is found to work
   */
  constructor(
    private readonly system: System,
    private readonly log: Logger,
    private readonly onEvent: (reason: string) => void,
    private readonly onReady: () => void,
  ) {
    this.writes = new WriteWatch((path) => this.onEvent(`write to ${path}`))
    // Another vqtune ends a back-off, or a hold: the daemon goes on at once.
    this.ledger = new WriteWatch((_, file) => {
      if (file === basename(ledgerPath(system))) this.onEvent(LEDGER_WRITTEN)
    })
    this.sockets = new WriteWatch((path, name) => this.onSocket(path, name))
    this.monitors = [
      this.monitor('udev', 'udevadm', [
        'monitor',
        // The kernel's own events: they arrive even while udevd is down.
        '--kernel',
        '--subsystem-match=net',
        '--subsystem-match=queues',
        '--subsystem-match=cpu',
      ]),
      this.monitor('ethtool', 'ethtool', ['--monitor']),
    ]
  }

  start(): void {
    for (const monitor of this.monitors) monitor.start()
    this.followIrqbalance()
  }

  async stop(): Promise<void> {
    this.writes.close()
    this.ledger.close()
    this.sockets.close()
    await Promise.all(this.monitors.map((monitor) => monitor.stop()))
  }

  /** Watches the settings of these NICs, which get other interrupts after a rebind; not of NICs that are suspended. */
  follow(nics: readonly ObservedNic[]): void {
    this.writes.follow(settingDirectories(nics))
    this.ledger.follow([this.system.paths.runDir])
  }

  get views(): readonly SourceView[] {
    return this.monitors.map((monitor) => monitor.view)
  }

  private monitor(name: string, tool: string, args: readonly string[]): Monitor {
    return new Monitor(
      this.system,
      { name, tool, args, pauseMs: MONITOR_PAUSE_MS },
      {
        onLine: (line) => this.onLine(name, line),
        onDown: (why) => {
          this.log.warn(
            { source: name },
            `no events from ${name}: ${why}; relying on periodic checks, restarting ${name}`,
          )
          this.onEvent(`${name} down`)
        },
        onUp: (first) => {
          this.onReady()
          if (first) return
          this.log.info({ source: name }, `events from ${name} again`)
          // Events in between were missed.
          this.onEvent(`${name} up`)
        },
      },
    )
  }

  /** Its directory is made when it starts, and removed when it ends; the socket comes a while later. */
  private followIrqbalance(): void {
    const { run, runIrqbalance } = this.system.paths
    this.sockets.follow(this.system.exists(runIrqbalance) ? [run, runIrqbalance] : [run])
  }

  private onSocket(path: string, name: string | null): void {
    const { run, runIrqbalance } = this.system.paths
    // Others make and remove files there, too.
    if (path === run && name !== null && `${run}/${name}` !== runIrqbalance) return
    // At once: what happens in it between the event and the pass must not be missed.
    this.followIrqbalance()
    this.onEvent(IRQBALANCE_CHANGED)
  }

  private onLine(source: string, line: string): void {
    if (source === 'udev') {
      const event = parseKernelEvent(line)
      if (event === undefined || !concernsUs(event)) return
      this.onEvent(`${event.subsystem} ${event.action}`)
    } else if (/^Channel parameters for /.test(line)) {
      this.onEvent('ethtool channels')
    } else if (/^Ring parameters for /.test(line)) {
      this.onEvent(RINGS_CHANGED)
    }
  }
}
