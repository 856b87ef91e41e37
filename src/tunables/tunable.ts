/**
 * What a tunable is. A new one is one file that declares one of these, and one line in index.ts: plan, ledger, rollback,
 * drift, attribution, watched files, configuration, texts and JSON follow from the declaration.
 */
import type {
  CpuList,
  DesiredNic,
  NicSettings,
  ObservedNic,
  RegressionHold,
  Skip,
  Step,
  SwitchValue,
  TunableName,
} from '../model'
import type { System } from '../system/system'

/** The one text form of a value, for ledger, drift, JSON and messages. */
export interface Codec<V> {
  /** Stands before a value for people, such as `CPU `. */
  readonly unit: string
  /** @returns undefined when the text is no value */
  parse(text: string): V | undefined
  format(value: V): string
  /**
   * What of a recorded value can be written now; undefined: nothing, it is out of reach.
   * @param online CPU numbers
   */
  restorable(recorded: V, online: CpuList): V | undefined
}

/** One place in the kernel, as a tunable reads it; see ObservedSetting. */
export interface Setting<V> {
  readonly key: string
  readonly value: V
  readonly label: string
  readonly file?: string
}

/** What a setting should be. */
export interface Wanted<V> {
  readonly key: string
  /** Written where the setting is not accepted. */
  readonly value: V
  /** A constraint where the kernel or others may choose; left out: only this very value. */
  readonly accepts?: (now: V) => boolean
  /** One clause without a full stop. */
  readonly reason: string
}

export interface Desire<V> {
  readonly wanted: readonly Wanted<V>[]
  readonly skips: readonly Pick<Skip, 'code' | 'why'>[]
  /** What people should know of a setting that is left as it is, one clause each. */
  readonly notes?: readonly string[]
}

/** A key of [defaults] and [[nic]] as data: grammar, `config check`, the example and vqtune.toml(5) are made from it. */
export interface Switch {
  readonly key: string
  readonly values: 'boolean' | readonly [string, ...string[]]
  readonly default: SwitchValue
  /** Sentences for the commented example and the manual page. */
  readonly help: string
}

/** What decides about one NIC. */
export interface NicContext {
  readonly nic: ObservedNic
  readonly desired: DesiredNic
  readonly settings: NicSettings
  /** CPUs that may take interrupts. */
  readonly usable: CpuList
  /** Of the guard, when it holds now. */
  readonly regressionHold: RegressionHold | undefined
}

/** A NIC before its settings are read. */
export type NicTopology = Omit<ObservedNic, 'settings'>

export interface Tunable<V> {
  readonly name: TunableName
  /** One of its settings for people, of which some are counted: `interrupt`, of `8 interrupts`. */
  readonly noun: string
  readonly codec: Codec<V>
  readonly switch?: Switch
  /** Tunables whose settings the kernel writes anew with this one: they are planned, and compared, in the next round. */
  readonly resets?: readonly TunableName[]
  /** True where a wanted value leaves room: what moves inside it is no drift. */
  readonly isConstraint?: boolean
  /**
   * Where the driver itself writes it when channels change or a vCPU goes online or offline: the text that it writes.
   * @param count channels
   */
  readonly kernelLayout?: (key: string, count: number, online: CpuList) => string | undefined
  read(system: System, nic: NicTopology): readonly Setting<V>[]
  /** What this NIC's settings should be, with reasons. Pure. */
  desire(context: NicContext, settings: readonly Setting<V>[]): Desire<V>
  /** @throws StepRefused when the kernel says no for a reason that is not a fault; VqtuneError otherwise */
  write(system: System, step: Step, value: V): void | Promise<void>
}
