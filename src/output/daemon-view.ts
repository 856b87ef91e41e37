/** The daemon's view of itself, for `vqtune status`. Pure. */
import type { DaemonView } from '../daemon/view'
import type { DriftRecord } from '../drift/history'

/** @param view as readView() gives it */
export function daemonText(view: DaemonView | 'unknown' | undefined): string {
  if (view === 'unknown') return 'daemon: unknown (this user may not see other processes)\n'
  if (view === undefined) return 'daemon: not running\n'
  const up = view.sources.filter(({ state }) => state === 'up').map(({ name }) => name)
  const from = up.length === 0 ? 'no events yet' : `events from ${up.join(', ')}`
  const lines = [
    `daemon: running (PID ${view.pid}), last check ${view.checkedAt}, ${from}`,
    ...view.sources
      .filter(({ state }) => state === 'down')
      .map(({ name, why }) => `no events from ${name}: ${why}; relying on periodic checks`),
    ...(view.configValid ? [] : ['the last reload failed: the previous configuration is still in effect']),
    ...view.problems,
    ...view.suspended.map(({ nic, why }) => `${nic}: ${why}`),
    ...view.recentDrift.map(driftLine),
  ]
  return `${lines.join('\n  ')}\n`
}

function driftLine({ at, nic, kind, old, new: now, writer, action }: DriftRecord): string {
  const values = `${old} -> ${now}`
  const shown = values.length <= 60 ? ` ${values}` : ''
  const by = writer === 'unknown' ? 'an unknown writer' : writer
  return `drift ${at} ${nic === null ? '' : `${nic} `}${kind}${shown} by ${by}: ${action}`
}

export function daemonJson(view: DaemonView | 'unknown' | undefined): object {
  if (view === 'unknown') return { running: null }
  if (view === undefined) return { running: false }
  const { pid, checkedAt, sources, suspended, configValid, problems, recentDrift } = view
  return { running: true, pid, checkedAt, sources, suspended, configValid, problems, recentDrift }
}
