/** Fragments in order -> one merged layer -> settings. */
import type { NicSettings, SwitchValue } from '../model'
import { SWITCHES } from '../tunables/index'
import { type Fragment, type FragmentNic, loopbackPort } from './grammar'
import type { LocatedFragment } from './parse'
import { DEFAULT_SETTINGS, type ListenAddress, type NicRule, type Settings } from './settings'

type Sections = Pick<Fragment, 'isolated-cpus' | 'boot' | 'daemon' | 'metrics' | 'guard'>

/** All files merged: for each key the last file that sets it, rules collected. Still with the keys of the files. */
export interface Merged extends Sections {
  readonly rules: readonly NicRule[]
}

/** @param fragments in the order of precedence, lowest first. */
export function mergeFragments(fragments: readonly LocatedFragment[]): Merged {
  const defaults: NicRule[] = []
  const rules: NicRule[] = []
  const sections: Sections = {}
  for (const { file, fragment, lines } of fragments) {
    if (fragment['isolated-cpus'] !== undefined) sections['isolated-cpus'] = fragment['isolated-cpus']
    sections.boot = { ...sections.boot, ...fragment.boot }
    sections.daemon = { ...sections.daemon, ...fragment.daemon }
    sections.metrics = { ...sections.metrics, ...fragment.metrics }
    sections.guard = { ...sections.guard, ...fragment.guard }
    if (fragment.defaults !== undefined) {
      const source = `${file}:${lines.lineOf(['defaults']) ?? 1}`
      defaults.push({ match: {}, settings: ruleSettings(fragment.defaults), source })
    }
    for (const [index, { match, ...table }] of (fragment.nic ?? []).entries()) {
      const source = `${file}:${lines.lineOf(['nic', index]) ?? 1}`
      rules.push({ match: withoutUndefined(match ?? {}), settings: ruleSettings(table), source })
    }
  }
  return { ...sections, rules: [...defaults, ...rules] }
}

/** Fills in the built-in defaults. @param sources files that were read. */
export function toSettings(merged: Merged, sources: readonly string[]): Settings {
  const { boot = {}, daemon = {}, metrics = {}, guard = {} } = merged
  const standard = DEFAULT_SETTINGS
  return {
    isolated: merged['isolated-cpus'] ?? standard.isolated,
    boot: {
      waitMs: boot['wait-ms'] ?? standard.boot.waitMs,
      limitMs: boot['limit-ms'] ?? standard.boot.limitMs,
    },
    rules: merged.rules,
    daemon: {
      reportCron: orNone(daemon['report-cron'], standard.daemon.reportCron),
      checkCron: daemon['check-cron'] ?? standard.daemon.checkCron,
      jitterSeconds: daemon['jitter-seconds'] ?? standard.daemon.jitterSeconds,
      debounceMs: daemon['debounce-ms'] ?? standard.daemon.debounceMs,
      conflictReversals: daemon['conflict-reversals'] ?? standard.daemon.conflictReversals,
      conflictWindowSeconds: daemon['conflict-window-seconds'] ?? standard.daemon.conflictWindowSeconds,
      conflictBackoffSeconds: daemon['conflict-backoff-seconds'] ?? standard.daemon.conflictBackoffSeconds,
      historySizeKib: daemon['history-size-kib'] ?? standard.daemon.historySizeKib,
      logLevel: daemon['log-level'] ?? standard.daemon.logLevel,
      logFormat: daemon['log-format'] ?? standard.daemon.logFormat,
    },
    guard: {
      enabled: guard.enabled ?? standard.guard.enabled,
      windowSeconds: guard['window-seconds'] ?? standard.guard.windowSeconds,
      regressionPercent: guard['regression-percent'] ?? standard.guard.regressionPercent,
      watch: guard.watch?.split(',') ?? standard.guard.watch,
      commitConfirmSeconds: guard['commit-confirm-seconds'] ?? standard.guard.commitConfirmSeconds,
    },
    metrics: {
      textfile: orNone(metrics.textfile, standard.metrics.textfile),
      listen: metrics.listen === undefined ? standard.metrics.listen : listenAddress(metrics.listen),
    },
    sources,
  }
}

function orNone(given: string | undefined, standard: string | undefined): string | undefined {
  if (given === undefined) return standard
  return given === 'none' ? undefined : given
}

/** @param value as the grammar accepts it. */
function listenAddress(value: string): ListenAddress | undefined {
  if (value === 'none') return undefined
  const port = loopbackPort(value)
  if (port !== undefined) return { kind: 'tcp', host: '127.0.0.1', port }
  return { kind: 'unix', path: value.slice('unix:'.length) }
}

/** Only the keys that the table sets, so that later tables override only those; "none" and "auto" do override. */
function ruleSettings(table: FragmentNic): Partial<NicSettings> {
  const given: Readonly<Record<string, unknown>> = table
  const switches = SWITCHES.flatMap(({ key }) => {
    const value = given[key] as SwitchValue | undefined
    return value === undefined ? [] : [[key, value] as const]
  })
  return {
    ...(table.enabled === undefined ? {} : { enabled: table.enabled }),
    ...(table.cap === undefined ? {} : { cap: table.cap === 'none' ? undefined : table.cap }),
    ...(table.channels === undefined
      ? {}
      : { channels: table.channels === 'auto' ? undefined : table.channels }),
    ...(table['on-conflict'] === undefined ? {} : { onConflict: table['on-conflict'] }),
    ...(switches.length === 0 ? {} : { switches: Object.fromEntries(switches) }),
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Defined<T>
}
