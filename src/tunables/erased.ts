/** Tunables without their value types: to the rest of the program every value is text. */
import type { CpuList, ObservedNic, ObservedSetting, Plan, Skip, Step } from '../model'
import type { System } from '../system/system'
import type { NicContext, NicTopology, Setting, Tunable } from './tunable'

export interface AnyTunable
  extends Pick<
    Tunable<unknown>,
    'name' | 'noun' | 'switch' | 'furtherSwitches' | 'resets' | 'isConstraint' | 'kernelLayout'
  > {
  readonly unit: string
  read(system: System, nic: NicTopology): readonly ObservedSetting[]
  /** Steps for the settings that are not as desired. Pure. */
  plan(context: NicContext): Plan
  /** The step that restores a recorded value; undefined if it is already in place or no longer possible. Pure. */
  restore(
    nic: ObservedNic,
    setting: ObservedSetting,
    recorded: string,
    online: CpuList,
    reason: string,
  ): Step | undefined
  isValue(text: string): boolean
  write(system: System, step: Step): void | Promise<void>
}

export function erased<V>(tunable: Tunable<V>): AnyTunable {
  const { name, codec } = tunable
  const typed = ({ key, value, label, file }: ObservedSetting): Setting<V>[] => {
    const parsed = codec.parse(value)
    return parsed === undefined
      ? []
      : [{ key, value: parsed, label, ...(file === undefined ? {} : { file }) }]
  }
  return {
    ...tunable,
    unit: codec.unit,
    read: (system, nic) =>
      tunable.read(system, nic).map(({ key, value, label, file }) => ({
        tunable: name,
        key,
        value: codec.format(value),
        label,
        file,
      })),
    plan(context) {
      const { nic } = context
      const observed = nic.settings.filter((setting) => setting.tunable === name)
      const settings = observed.flatMap(typed)
      const { wanted, skips, notes = [] } = tunable.desire(context, settings)
      const byKey = new Map(settings.map((setting) => [setting.key, setting]))
      const steps = wanted.flatMap(({ key, value, accepts, reason }): Step[] => {
        const setting = byKey.get(key)
        if (setting === undefined) return []
        const old = codec.format(setting.value)
        const text = codec.format(value)
        if (accepts === undefined ? old === text : accepts(setting.value)) return []
        return [stepFor(name, nic, setting, old, text, reason)]
      })
      return { steps, skips: skips.map((skip): Skip => ({ nic: nic.name, tunable: name, ...skip })), notes }
    },
    restore(nic, setting, recorded, online, reason) {
      const before = codec.parse(recorded)
      const wanted = before === undefined ? undefined : codec.restorable(before, online)
      const current = codec.parse(setting.value)
      if (current !== undefined && tunable.isForeign?.(current) === true) return undefined
      // Of the current value only what could be written counts: an offline CPU may stay in a mask.
      const now = current === undefined ? undefined : codec.restorable(current, online)
      if (wanted === undefined) return undefined
      const text = codec.format(wanted)
      if (now !== undefined && codec.format(now) === text) return undefined
      return stepFor(name, nic, setting, setting.value, text, reason)
    },
    isValue: (text) => codec.parse(text) !== undefined,
    write(system, step) {
      const value = codec.parse(step.new)
      if (value === undefined) throw new TypeError(`${name}: ${step.new} is not a value`)
      return tunable.write(system, step, value)
    },
  }
}

function stepFor(
  tunable: string,
  { name, ifindex }: Pick<ObservedNic, 'name' | 'ifindex'>,
  { key, label, file }: Pick<Setting<unknown>, 'key' | 'label'> & { readonly file?: string | undefined },
  old: string,
  text: string,
  reason: string,
): Step {
  return { tunable, nic: name, ifindex, key, label, file, old, new: text, reason }
}
