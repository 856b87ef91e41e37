/** What all tunables have in common, written once: reading, planning, recording, restoring, comparing, writing. */
import { VqtuneError } from '../errors'
import { parseCpuList } from '../kernel/cpulist'
import type {
  CpuList,
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
import { TUNABLES } from './index'
import type { NicContext, NicTopology } from './tunable'

const BY_NAME: ReadonlyMap<TunableName, AnyTunable> = new Map(
  TUNABLES.map((tunable) => [tunable.name, tunable]),
)

/** Everything that the tunables read of a NIC. */
export function readSettings(system: System, nic: NicTopology): readonly ObservedSetting[] {
  return TUNABLES.flatMap((tunable) => tunable.read(system, nic))
}

/**
 * Plans one NIC. What resets others comes without them: those are judged in the next round, against what the kernel then
 * chose. Pure.
 */
export function planSettings(context: NicContext): Plan {
  const steps: Step[] = []
  const skips: Skip[] = []
  const notes: string[] = []
  const reset = new Set<TunableName>()
  for (const tunable of TUNABLES) {
    if (reset.has(tunable.name)) continue
    const plan = tunable.plan(context)
    steps.push(...plan.steps)
    skips.push(...plan.skips)
    notes.push(...plan.notes)
    if (plan.steps.length > 0) for (const name of tunable.resets ?? []) reset.add(name)
  }
  return { steps, skips, notes }
}

/** What a NIC shows, in the form of ledger and snapshots. Pure. */
export function recordValues({ settings }: Pick<ObservedNic, 'settings'>): RecordedValues {
  const values: Record<TunableName, Record<string, string>> = {}
  for (const { tunable, key, value } of settings) {
    const recorded = values[tunable] ?? {}
    recorded[key] = value
    values[tunable] = recorded
  }
  return values
}

/** Text that a tunable of this version can have written; of a tunable that it does not know, anything. */
export function isRecordedValue(tunable: TunableName, text: string): boolean {
  return BY_NAME.get(tunable)?.isValue(text) ?? true
}

/**
 * Steps back to recorded values. What was not recorded, or cannot be had any more, stays. Pure.
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

function settingsByTunable({
  settings,
}: Pick<ObservedNic, 'settings'>): { readonly tunable: AnyTunable; readonly setting: ObservedSetting }[] {
  return settings.flatMap((setting) => {
    const tunable = BY_NAME.get(setting.tunable)
    return tunable === undefined ? [] : [{ tunable, setting }]
  })
}

/** One value that is another one than before. */
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
 * Differences between two recordings, in the order of the registry. What the kernel wrote anew with another tunable is a
 * consequence, no difference of its own; what is missing on either side is none. Pure.
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

/** What earlier was, with what these steps wrote as it is now, whether or not it stayed. Pure. */
export function withWritten(
  earlier: RecordedValues,
  now: RecordedValues,
  steps: readonly Step[],
): RecordedValues {
  const values: Record<TunableName, Record<string, string>> = {}
  for (const [tunable, recorded] of Object.entries(earlier)) values[tunable] = { ...recorded }
  for (const { tunable, key } of steps) {
    // With it the kernel writes others anew, and the queues are others.
    for (const name of BY_NAME.get(tunable)?.resets ?? []) values[name] = { ...now[name] }
    const value = now[tunable]?.[key]
    const recorded = values[tunable]
    // What is missing on either side is no difference.
    if (value !== undefined && recorded?.[key] !== undefined) recorded[key] = value
  }
  return values
}

/**
 * The driver wrote all of a NIC's settings that it lays out by itself: each shows exactly what it would write for the CPUs
 * that are online. Nobody else produces that by chance. Pure.
 * @returns false where the driver lays out nothing
 */
export function showsKernelLayout(values: RecordedValues, count: number, online: CpuList): boolean {
  const laidOut = TUNABLES.flatMap(({ name, kernelLayout }) =>
    kernelLayout === undefined
      ? []
      : Object.entries(values[name] ?? {}).map(([key, value]) => kernelLayout(key, count, online) === value),
  )
  return laidOut.length > 0 && laidOut.every(Boolean)
}

/** Whether what moves inside the wanted value is no drift. */
export function isConstraint(tunable: TunableName): boolean {
  return BY_NAME.get(tunable)?.isConstraint === true
}

export function hasKernelLayout(tunable: TunableName): boolean {
  return BY_NAME.get(tunable)?.kernelLayout !== undefined
}

/**
 * Does one step, if the interface is still the one that was planned for.
 * @throws StepRefused, VqtuneError
 */
export async function executeStep(system: System, step: Step): Promise<void> {
  const ifindex = system.readText(`${system.paths.sysClassNet}/${step.nic}/ifindex`)?.trim()
  if (ifindex !== String(step.ifindex)) {
    throw new VqtuneError('vanished', `${step.nic}: the name belongs to another interface by now`)
  }
  await BY_NAME.get(step.tunable)?.write(system, step)
}

/** Directories of the files that hold a NIC's settings, without repetition: a write by others shows there. */
export function settingDirectories(nics: readonly Pick<ObservedNic, 'settings'>[]): readonly string[] {
  const files = nics.flatMap(({ settings }) =>
    settings.flatMap(({ file }) => (file === undefined ? [] : [file])),
  )
  return [...new Set(files.map((file) => file.slice(0, file.lastIndexOf('/'))))]
}

/** CPU lists that a NIC's settings of a tunable hold, by key. Pure. */
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

/** A value for people: `CPU 0-3`, `CPU none`, `4`. */
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

/** `8 interrupts`, without the number. */
export function nounOf(tunable: TunableName, count: number): string {
  const noun = BY_NAME.get(tunable)?.noun ?? `${tunable} setting`
  return count === 1 ? noun : `${noun}s`
}

function unitOf(tunable: TunableName): string {
  return BY_NAME.get(tunable)?.unit ?? ''
}

/** Steps that set channels: they are written first and side by side, and their NICs are watched. */
export function isChannelStep(step: Step): boolean {
  return step.tunable === 'channels'
}
