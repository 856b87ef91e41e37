/**
 * The settings as the rest of vqtune sees them: complete, checked, units in the names.
 * On the boot path: nothing but the defaults and the rule matcher is loaded from here.
 * The keys of the files are in grammar.ts, their documentation in vqtune.toml(5).
 */
import type { NicSettings, SwitchValue, TunableName } from '../model'
import { pathsUnder } from '../system/paths'
import { SWITCHES } from '../tunables/index'
import { matchesNic, type NicMatch, type NicNames } from './match'

export type LogLevel = 'error' | 'warn' | 'info' | 'debug'
export type LogFormat = 'text' | 'json'

export interface BootSettings {
  /** How long the boot service waits for virtio-net NICs that are still being set up, milliseconds; 0: not at all. */
  readonly waitMs: number
  /** After this many milliseconds it gives up, so that booting continues. */
  readonly limitMs: number
}

export interface DaemonSettings {
  /** Cron expression of the periodic report, local time; undefined: none. */
  readonly reportCron: string | undefined
  /** Cron expression of the full check, the safety net under the events. */
  readonly checkCron: string
  /**
   * Each periodic job starts up to this many seconds later, so that a fleet is not synchronised: spread evenly when it is
   * the time from one check to the next.
   */
  readonly jitterSeconds: number
  /** Quiet time after an event before one reconcile, milliseconds. */
  readonly debounceMs: number
  /** Reversals by another writer within the window that make the daemon stop writing. */
  readonly conflictReversals: number
  readonly conflictWindowSeconds: number
  /** How long it then backs off; doubled with each further conflict, up to a day. */
  readonly conflictBackoffSeconds: number
  /** Size limit of the drift history, KiB. */
  readonly historySizeKib: number
  readonly logLevel: LogLevel
  readonly logFormat: LogFormat
}

/** After a channel change: compare before and after, and revert a regression. */
export interface GuardSettings {
  readonly enabled: boolean
  /** How long to measure before and after, seconds. */
  readonly windowSeconds: number
  /** How much worse is a regression, percent. */
  readonly regressionPercent: number
  /** Tunables whose changes are compared. */
  readonly watch: readonly TunableName[]
  /** How long connectivity is watched after an apply, seconds; 0: not at all. Independent of `enabled`. */
  readonly commitConfirmSeconds: number
}

/** Where the optional HTTP endpoint listens: never beyond this guest. */
export type ListenAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: '127.0.0.1'; readonly port: number }

export interface MetricsSettings {
  /** File for node_exporter's textfile collector; undefined: none. */
  readonly textfile: string | undefined
  readonly listen: ListenAddress | undefined
}

/** One [defaults] or [[nic]] table. */
export interface NicRule {
  /** Empty in [defaults]: every NIC. */
  readonly match: NicMatch
  /** Only the keys that the table sets. */
  readonly settings: Partial<NicSettings>
  /** `file:line` of the table, for messages. */
  readonly source: string
}

export interface Settings {
  /** Whether isolated CPUs (isolcpus=, nohz_full=) may take queue interrupts. */
  readonly isolated: 'avoid' | 'use'
  readonly boot: BootSettings
  /** All [defaults] in file order, then all [[nic]] in file order: specific beats general, later beats earlier. */
  readonly rules: readonly NicRule[]
  readonly daemon: DaemonSettings
  readonly guard: GuardSettings
  readonly metrics: MetricsSettings
  /** Files that were read, in order. */
  readonly sources: readonly string[]
}

export const DEFAULT_NIC_SETTINGS: NicSettings = {
  enabled: true,
  cap: undefined,
  channels: undefined,
  onConflict: 'reassert',
  switches: Object.fromEntries(SWITCHES.map((one) => [one.key, one.default])),
}

export const DEFAULT_SETTINGS: Settings = {
  isolated: 'avoid',
  boot: { waitMs: 5_000, limitMs: 10_000 },
  rules: [],
  daemon: {
    reportCron: '0 6 * * *',
    checkCron: '*/5 * * * *',
    jitterSeconds: 300,
    debounceMs: 250,
    conflictReversals: 3,
    conflictWindowSeconds: 600,
    conflictBackoffSeconds: 3_600,
    historySizeKib: 1_024,
    logLevel: 'info',
    logFormat: 'text',
  },
  guard: {
    ...{ enabled: false, windowSeconds: 60, regressionPercent: 20, watch: ['channels'] },
    commitConfirmSeconds: 10,
  },
  // Under /run: no disk write, and it exists before any collector is set up.
  metrics: { textfile: `${pathsUnder('').runDir}/vqtune.prom`, listen: undefined },
  sources: [],
}

/** The rules that apply to a NIC, in the order of application. */
export function rulesFor(settings: Pick<Settings, 'rules'>, nic: NicNames): readonly NicRule[] {
  return settings.rules.filter((rule) => matchesNic(rule.match, nic))
}

/** The policy for one NIC: built-in defaults, then every matching rule in order; later keys win. */
export function nicSettings(settings: Pick<Settings, 'rules'>, nic: NicNames): NicSettings {
  const given = rulesFor(settings, nic).map((rule) => rule.settings)
  const switches = Object.assign({}, DEFAULT_NIC_SETTINGS.switches, ...given.map((one) => one.switches))
  return { ...Object.assign({}, DEFAULT_NIC_SETTINGS, ...given), switches }
}

/** A key of [defaults] and [[nic]], and how to read its value. */
export interface NicKey {
  /** As in the files. */
  readonly key: string
  /** The value in the files that undefined stands for. */
  readonly none: string
  valueIn(settings: Partial<NicSettings>): SwitchValue | number | undefined
  isGiven(settings: Partial<NicSettings>): boolean
}

function coreKey(key: string, name: Exclude<keyof NicSettings, 'switches'>, none = ''): NicKey {
  return { key, none, valueIn: (settings) => settings[name], isGiven: (settings) => name in settings }
}

/** In the order of vqtune.toml. */
export const NIC_KEYS: readonly NicKey[] = [
  coreKey('enabled', 'enabled'),
  coreKey('cap', 'cap', 'none'),
  coreKey('channels', 'channels', 'auto'),
  ...SWITCHES.map(
    ({ key }): NicKey => ({
      key,
      none: '',
      valueIn: ({ switches }) => switches?.[key],
      isGiven: ({ switches = {} }) => key in switches,
    }),
  ),
  coreKey('on-conflict', 'onConflict'),
]

/** `file:line` of the table that decided a key of the files, or 'built-in'. */
export function nicOrigin(settings: Pick<Settings, 'rules'>, nic: NicNames, key: string): string {
  const found = NIC_KEYS.find((candidate) => candidate.key === key)
  return rulesFor(settings, nic).findLast((rule) => found?.isGiven(rule.settings))?.source ?? 'built-in'
}
