/** A pass of the daemon on a tree, in this process: what `Daemon` does at a periodic check that finds nothing to do. */
import { DEFAULT_SETTINGS } from '../../src/config/settings'
import { DaemonCounters, guestFamilies } from '../../src/daemon/metrics'
import { renderMetrics } from '../../src/daemon/prometheus'
import { ReconcileLoop } from '../../src/daemon/reconcile-loop'
import { statusLine } from '../../src/daemon/summary'
import { openSystem } from '../../src/system/system'
import { WriteWatch } from '../../src/system/write-watch'
import { settingDirectories } from '../../src/tunables/engine'

export interface DaemonPass {
  /** Milliseconds. Throws if something had to be written, or went wrong: then it is not what is measured. */
  run(): Promise<number>
  close(): void
}

const HEALTH = { sources: new Map([['udev', true]]), configValid: true, startedAt: 0 }

export function daemonPass(root: string): DaemonPass {
  const problems: string[] = []
  const loop = new ReconcileLoop(
    openSystem(root),
    {
      drift: ({ kind }) => void problems.push(`drift of ${kind}`),
      write: ({ step }) => void problems.push(`a write of ${step.label}`),
      conflict: (nic) => void problems.push(`a conflict of ${nic}`),
      reverted: ({ nic }) => void problems.push(`a revert of ${nic}`),
      irqbalance: () => {},
      problem: (topic, text) => {
        if (text !== undefined) problems.push(`${topic}: ${text}`)
      },
    },
    new AbortController().signal,
  )
  const watch = new WriteWatch(() => {})
  const counters = new DaemonCounters()
  return {
    run: async () => {
      const started = performance.now()
      const result = await loop.run(DEFAULT_SETTINGS)
      watch.follow(settingDirectories(result.guest.nics))
      const families = [
        ...guestFamilies(result, DEFAULT_SETTINGS, HEALTH),
        ...counters.families(result.guest.nics.map(({ name }) => name)),
      ]
      renderMetrics(families)
      statusLine(result, [], true)
      const ms = performance.now() - started
      if (problems.length > 0 || result.missing.length > 0) throw new Error(problems.join('; '))
      return ms
    },
    close: () => watch.close(),
  }
}
