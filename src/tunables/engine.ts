/** What all tunables have in common: reading, planning, recording, restoring, comparing, writing. */
import { VqtuneError } from '../errors'
import { parseCpuList } from '../kernel/cpulist'
import type {
  CpuList,
  NicSettings,
  ObservedNic,
  ObservedSetting,
  Plan,
  RecordedValues,
  Skip,
  Step,
  TunableName,
} from '../model'
import type { System } from '../system/system'
import type { AnyTunable } from './erased'
import { planHeld } from './held'
import { TUNABLES } from './index'
import { KEEP, type NicContext, type NicTopology, type Switch, switchesOf } from './tunable'

const BY_NAME: ReadonlyMap<TunableName, AnyTunable> = new Map(
  TUNABLES.map((tunable) => [tunable.name, tunable]),
)

/** All settings that the tunables read from a NIC. */
export function readSettings(system: System, nic: NicTopology): readonly ObservedSetting[] {
  return TUNABLES.flatMap((tunable) => tunable.read(system, nic))
}

/**
 * Plans one NIC. A step that resets other settings is planned without them: they are planned in the next round, from what
 * the kernel has then chosen. Pure.
 */
export function planSettings(context: NicContext): Plan {
  const steps: Step[] = []
  const skips: Skip[] = []
  const notes: string[] = []
  const reset = new Set<TunableName>()
  for (const tunable of TUNABLES) {
    if (reset.has(tunable.name)) continue
    const hold = context.settingHolds?.[tunable.name]
    const plan = hold === undefined ? tunable.plan(context) : planHeld(tunable, context, hold)
    steps.push(...plan.steps)
    skips.push(...plan.skips)
    notes.push(...plan.notes)
    if (plan.steps.length > 0) for (const name of tunable.resets ?? []) reset.add(name)
  }
  return { steps, skips, notes }
}

/** A NIC's current values, in the form of ledger and snapshots. Pure. */
export function recordValues({ settings }: Pick<ObservedNic, 'settings'>): RecordedValues {
  const values: Record<TunableName, Record<string, string>> = {}
  for (const { tunable, key, value } of settings) {
    const recorded = values[tunable] ?? {}
    recorded[key] = value
    values[tunable] = recorded
  }
  return values
}

/** Whether a tunable of this version can have written the text; for an unknown tunable, any text. */
export function isRecordedValue(tunable: TunableName, text: string): boolean {
  return BY_NAME.get(tunable)?.isValue(text) ?? true
}

/**
 * Steps that restore recorded values. What was not recorded, or is no longer possible, stays. Pure.
 * @param online CPU numbers that are online now
 * @param except tunables that cannot be written now
 */
export function restoreSettings(
  nic: ObservedNic,
  recorded: RecordedValues,
  online: CpuList,
  reason: string,
  except: ReadonlySet<TunableName> = new Set(),
): readonly Step[] {
  const steps: Step[] = []
  const reset = new Set<TunableName>()
  for (const { tunable, setting } of settingsByTunable(nic)) {
    const value = recorded[tunable.name]?.[setting.key]
    if (value === undefined || reset.has(tunable.name) || except.has(tunable.name)) continue
    const step = tunable.restore(nic, setting, value, online, reason)
    if (step === undefined) continue
    steps.push(step)
    for (const name of tunable.resets ?? []) reset.add(name)
  }
  return steps
}

/** Steps that restore recorded values of what the configuration leaves alone. Pure. */
export function restoreKept(
  nic: ObservedNic,
  recorded: RecordedValues,
  { switches }: Pick<NicSettings, 'switches'>,
  online: CpuList,
  reason: string,
): readonly Step[] {
  return restoreSettings(nic, recorded, online, reason).filter(({ tunable, key }) => {
    const asked = switchOf(tunable, key)
    return asked !== undefined && switches[asked.key] === KEEP
  })
}

/** The key of the configuration that says what this setting should be. */
function switchOf(name: TunableName, key: string): Switch | undefined {
  const ofSize = ({ values }: Switch): boolean =>
    typeof values === 'object' && 'setting' in values && values.setting === key
  const switches = switchesByName(name)
  return switches.find(ofSize) ?? switches[0]
}

function settingsByTunable({
  settings,
}: Pick<ObservedNic, 'settings'>): { readonly tunable: AnyTunable; readonly setting: ObservedSetting }[] {
  return settings.flatMap((setting) => {
    const tunable = BY_NAME.get(setting.tunable)
    return tunable === undefined ? [] : [{ tunable, setting }]
  })
}

/** One value that differs from before. */
export interface ChangedValue {
  readonly key: string
  readonly old: string
  readonly new: string
}

export interface ChangedTunable {
  readonly tunable: TunableName
  /** Not empty. */
  readonly values: readonly ChangedValue[]
}

/**
 * Differences between two recordings, in the order of the registry. What the kernel reset together with another tunable is
 * a consequence, not a difference of its own; nor is a value that is missing on either side. Pure.
 */
export function changedValues(before: RecordedValues, after: RecordedValues): readonly ChangedTunable[] {
  const changed: ChangedTunable[] = []
  const reset = new Set<TunableName>()
  for (const { name, resets } of TUNABLES) {
    if (reset.has(name)) continue
    const values = Object.entries(after[name] ?? {}).flatMap(([key, now]): ChangedValue[] => {
      const old = before[name]?.[key]
      return old === undefined || old === now ? [] : [{ key, old, new: now }]
    })
    if (values.length === 0) continue
    changed.push({ tunable: name, values })
    for (const other of resets ?? []) reset.add(other)
  }
  return changed
}

/** The earlier values, but those that these steps wrote as they are now, whether or not they persisted. Pure. */
export function withWritten(
  earlier: RecordedValues,
  now: RecordedValues,
  steps: readonly Step[],
): RecordedValues {
  const values: Record<TunableName, Record<string, string>> = {}
  for (const [tunable, recorded] of Object.entries(earlier)) values[tunable] = { ...recorded }
  for (const { tunable, key } of steps) {
    // The kernel resets the others together with it, and the queues change.
    for (const name of BY_NAME.get(tunable)?.resets ?? []) {
      // Not every NIC has every tunable.
      if (now[name] !== undefined || values[name] !== undefined) values[name] = { ...now[name] }
    }
    const value = now[tunable]?.[key]
    const recorded = values[tunable]
    // A value that is missing on either side is not a difference.
    if (value !== undefined && recorded?.[key] !== undefined) recorded[key] = value
  }
  return values
}

/**
 * True if the driver itself wrote all settings that it lays out: each is exactly what it writes for the online CPUs, which
 * no other software produces by chance. Pure.
 * @returns false if the driver lays out nothing
 */
export function showsKernelLayout(values: RecordedValues, count: number, online: CpuList): boolean {
  const laidOut = TUNABLES.flatMap(({ name, kernelLayout }) =>
    kernelLayout === undefined
      ? []
      : Object.entries(values[name] ?? {}).map(([key, value]) => kernelLayout(key, count, online) === value),
  )
  return laidOut.length > 0 && laidOut.every(Boolean)
}

/** Its keys of the configuration. */
export function switchKeysOf(name: TunableName): readonly string[] {
  return switchesByName(name).map(({ key }) => key)
}

function switchesByName(name: TunableName): readonly Switch[] {
  return switchesOf(BY_NAME.get(name) ?? {})
}

/** Whether a move inside the wanted value is not drift. */
export function isConstraint(tunable: TunableName): boolean {
  return BY_NAME.get(tunable)?.isConstraint === true
}

export function hasKernelLayout(tunable: TunableName): boolean {
  return BY_NAME.get(tunable)?.kernelLayout !== undefined
}

/**
 * Writes one step, if the interface is still the one that was planned.
 * @throws StepRefused, VqtuneError
 */
export async function executeStep(system: System, step: Step): Promise<void> {
  const ifindex = system.readText(`${system.paths.sysClassNet}/${step.nic}/ifindex`)?.trim()
  if (ifindex !== String(step.ifindex)) {
    throw new VqtuneError('vanished', `${step.nic}: the name now belongs to another interface`)
  }
  await BY_NAME.get(step.tunable)?.write(system, step)
}

/** Directories of the files of a NIC's settings, without duplicates: writes by others are detected there. */
export function settingDirectories(nics: readonly Pick<ObservedNic, 'settings'>[]): readonly string[] {
  const files = nics.flatMap(({ settings }) =>
    settings.flatMap(({ file }) => (file === undefined ? [] : [file])),
  )
  return [...new Set(files.map((file) => file.slice(0, file.lastIndexOf('/'))))]
}

/** CPU lists of a NIC's settings of a tunable, by key. Pure. */
export function cpuListsOf(
  { settings }: Pick<ObservedNic, 'settings'>,
  tunable: TunableName,
): ReadonlyMap<string, CpuList> {
  return new Map(
    settings.flatMap(({ tunable: name, key, value }) =>
      name === tunable ? [[key, parseCpuList(value) ?? []] as const] : [],
    ),
  )
}

/** A value as shown: `CPU 0-3`, `CPU none`, `4`. */
export function showValue(tunable: TunableName, text: string): string {
  return `${unitOf(tunable)}${text === '' ? 'none' : text}`
}

/** `queue 0 rx IRQ 26 CPU 0-1 -> 0` */
export function showChange({
  tunable,
  label,
  old,
  new: value,
}: Pick<Step, 'tunable' | 'label' | 'old' | 'new'>): string {
  return `${label} ${showValue(tunable, old)} -> ${value === '' ? 'none' : value}`
}

/** One side of changed values of a tunable: `4`, or `queue 0 CPU 1, queue 1 CPU 3`. */
export function showSide({ tunable, values }: ChangedTunable, side: 'old' | 'new'): string {
  return values
    .map((value) => {
      const shown = showValue(tunable, value[side])
      return tunable === 'channels' ? shown : `${value.key} ${shown}`
    })
    .join(', ')
}

/** `8 interrupts`, without the number. */
export function nounOf(tunable: TunableName, count: number): string {
  const noun = BY_NAME.get(tunable)?.noun ?? `${tunable} setting`
  return count === 1 ? noun : `${noun}s`
}

function unitOf(tunable: TunableName): string {
  return BY_NAME.get(tunable)?.unit ?? ''
}

/** Steps that set channels: they are written first and in parallel, and their NICs are watched. */
export function isChannelStep(step: Step): boolean {
  return step.tunable === 'channels'
}
