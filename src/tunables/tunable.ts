/**
 * The declaration of a tunable. A new one is one file with such a declaration, and one line in index.ts: plan, ledger,
 * rollback, drift, attribution, watched files, configuration, texts and JSON follow from it.
 */
import type {
  CpuList,
  DesiredNic,
  NicSettings,
  ObservedNic,
  RegressionHold,
  SettingHolds,
  Skip,
  Step,
  SwitchValue,
  TunableName,
} from '../model'
import type { System } from '../system/system'

/** The one text form of a value, for ledger, drift, JSON and messages. */
export interface Codec<V> {
  /** Prefix of a value as shown, such as `CPU `. */
  readonly unit: string
  /** @returns undefined if the text is not a value */
  parse(text: string): V | undefined
  format(value: V): string
  /**
   * The part of a recorded value that can be written now; undefined: nothing.
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
  /** Written if the current value is not accepted. */
  readonly value: V
  /** If the kernel or others may choose within a constraint; undefined: only exactly this value. */
  readonly accepts?: (now: V) => boolean
  /** One clause without a full stop. */
  readonly reason: string
}

export interface Desire<V> {
  readonly wanted: readonly Wanted<V>[]
  readonly skips: readonly Pick<Skip, 'code' | 'why'>[]
  /** Notes about settings that are not changed, one clause each. */
  readonly notes?: readonly string[]
}

/** The value of a switch that leaves a setting as it is. */
export const KEEP = 'keep'

/** A power of two from the least to the most, or one of the words. */
export interface SizeValues {
  /** Key of the setting whose size it is. */
  readonly setting: string
  readonly least: number
  readonly most: number
  readonly words: readonly [string, ...string[]]
}

/** A key of [defaults] and [[nic]] as data: grammar, `config check`, the example and vqtune.toml(5) are made from it. */
export interface Switch {
  readonly key: string
  readonly values: 'boolean' | readonly [string, ...string[]] | SizeValues
  readonly default: SwitchValue
  /** Text of the commented example and the manual page. */
  readonly help: string
}

/** Everything that determines the desired settings of one NIC. */
export interface NicContext {
  readonly nic: ObservedNic
  readonly desired: DesiredNic
  readonly settings: NicSettings
  /** CPUs that may take interrupts. */
  readonly usable: CpuList
  /** See ObservedGuest. */
  readonly flowEntries?: number | undefined
  /** The guard's hold of the channels, if there is one. */
  readonly regressionHold: RegressionHold | undefined
  /** Its holds of other tunables. */
  readonly settingHolds?: SettingHolds | undefined
  /** CPU numbers. */
  readonly online: CpuList
}

/** All keys of the configuration that concern a tunable. */
export function switchesOf({
  switch: own,
  furtherSwitches = [],
}: Pick<Tunable<unknown>, 'switch' | 'furtherSwitches'>): readonly Switch[] {
  return own === undefined ? [] : [own, ...furtherSwitches]
}

/** A NIC before its settings are read. */
export type NicTopology = Omit<ObservedNic, 'settings'>

export interface Tunable<V> {
  readonly name: TunableName
  /** What one of its settings is called, in the singular: `interrupt`, as in `8 interrupts`. */
  readonly noun: string
  readonly codec: Codec<V>
  readonly switch?: Switch
  /** More keys of the configuration that concern it. */
  readonly furtherSwitches?: readonly Switch[]
  /** Tunables whose settings the kernel resets with this one: they are planned, and compared, in the next round. */
  readonly resets?: readonly TunableName[]
  /** True if a wanted value leaves a choice: a move inside it is not drift. */
  readonly isConstraint?: boolean
  /**
   * The text that the driver writes when channels change or a vCPU goes online or offline, if it does.
   * @param count channels
   */
  readonly kernelLayout?: (key: string, count: number, online: CpuList) => string | undefined
  /** True for a value that vqtune never replaces, not even in a rollback. */
  readonly isForeign?: (now: V) => boolean
  read(system: System, nic: NicTopology): readonly Setting<V>[]
  /** What this NIC's settings should be, with reasons. Pure. */
  desire(context: NicContext, settings: readonly Setting<V>[]): Desire<V>
  /** @throws StepRefused if the kernel refuses for a reason that is not an error; VqtuneError otherwise */
  write(system: System, step: Step, value: V): void | Promise<void>
}

/** `a power of two, 64 to 32768` */
export function describeSize({ least, most }: Pick<SizeValues, 'least' | 'most'>): string {
  return `a power of two, ${least} to ${most}`
}
