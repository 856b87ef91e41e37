/** What a trial varies: channels, and the tunables that vqtune leaves alone by default, each with the values to compare. Pure. */
import type { Settings } from '../config/settings'
import { VqtuneError } from '../errors'
import type { NicSettings, ObservedGuest, ObservedNic, SwitchValue, TunableName } from '../model'
import { planGuest } from '../planner/plan'
import type { AnyTunable } from '../tunables/erased'
import { GUARDED_NAMES, OPTIONAL_TUNABLES as VARIABLE } from '../tunables/index'
import { KEEP, type Switch, switchesOf } from '../tunables/tunable'
import type { Arm } from './arm'

export const CHANNELS = 'channels'
/** More take hours, and each halves what a round can show. */
const MAX_ARMS = 8

type Switches = Readonly<Record<string, SwitchValue>>

/** Names for --vary. */
export const FACTOR_NAMES: readonly string[] = GUARDED_NAMES

/** @throws VqtuneError kind usage */
export function parseFactors(text: string): readonly string[] {
  const names = [...new Set(text.split(','))]
  const wrong = names.find((name) => !FACTOR_NAMES.includes(name))
  if (wrong === undefined) return names
  throw new VqtuneError('usage', `trial: --vary '${wrong}': expected some of ${FACTOR_NAMES.join(',')}`)
}

/** The keys of vqtune.toml that these factors set, each asked for: so that what they set is observed. */
export function switchesToObserve(names: readonly string[]): Switches {
  const switches = VARIABLE.filter(({ name }) => names.includes(name)).flatMap(switchesOf)
  return Object.fromEntries(switches.map((one) => [one.key, wordsOf(one)[0] ?? KEEP]))
}

/** The settings with a rule on top that gives one NIC the values of an arm. */
export function withArm(
  settings: Settings,
  { virtio }: Pick<ObservedNic, 'virtio'>,
  { channels, switches }: Arm,
): Settings {
  const values: Partial<NicSettings> = { enabled: true, cap: undefined, channels, switches }
  return { ...settings, rules: [...settings.rules, { match: { virtio }, settings: values, source: 'trial' }] }
}

/** What is compared, and which of it the NIC has now. */
export interface Arms {
  readonly present: Arm
  /** All, the present one among them: at least two. */
  readonly all: readonly Arm[]
}

/**
 * Every combination of the values of these factors.
 * @param counts numbers of channels, the present one among them
 * @throws VqtuneError kind usage if there are too many, unsupported if this NIC has nothing to compare
 */
export function armsOf(
  guest: ObservedGuest,
  settings: Settings,
  nic: ObservedNic,
  names: readonly string[],
  counts: readonly number[],
): Arms {
  const factors = VARIABLE.filter(({ name }) => names.includes(name)).map((tunable) =>
    levelsOf(guest, settings, nic, tunable),
  )
  const combined = factors.reduce<readonly Switches[]>(
    (before, { present, others }) =>
      before.flatMap((switches) => [present, ...others].map((level) => ({ ...switches, ...level }))),
    [{}],
  )
  const all = counts.flatMap((channels) => combined.map((switches): Arm => ({ channels, switches })))
  if (all.length > MAX_ARMS) {
    const fewer = `at most ${MAX_ARMS} can be compared: vary less, or fewer --counts`
    throw new VqtuneError('usage', `trial: ${all.length} combinations of ${names.join(', ')}: ${fewer}`)
  }
  const switches = Object.assign({}, ...factors.map(({ present }) => present))
  return { present: { channels: nic.channels.current, switches }, all }
}

interface Levels {
  /** What leaves the NIC as it is. */
  readonly present: Switches
  /** Not empty. */
  readonly others: readonly Switches[]
}

function levelsOf(guest: ObservedGuest, settings: Settings, nic: ObservedNic, tunable: AnyTunable): Levels {
  const { name } = tunable
  const changesNothing = (switches: Switches): boolean => {
    const arm = { channels: nic.channels.current, switches }
    const plan = planGuest(guest, withArm(settings, nic, arm)).find((one) => one.nic === nic)?.plan
    const skip = plan?.skips.find((one) => one.tunable === name)
    if (skip !== undefined) throw new VqtuneError('unsupported', `${nic.name}: ${name}: ${skip.why}`)
    return plan?.steps.some((step) => step.tunable === name) !== true
  }
  const levels = candidates(tunable, nic)
  const same = levels.filter(changesNothing)
  const others = levels.filter((level) => !same.includes(level))
  const [present] = same
  const shown = levels.map(describe).join(', ')
  if (present === undefined) {
    const why = 'was set by hand: set one of them first (vqtune config set)'
    throw new VqtuneError(
      'unsupported',
      `${nic.name}: ${name}: what the NIC has is none of ${shown}, it ${why}`,
    )
  }
  if (others.length === 0) {
    throw new VqtuneError(
      'unsupported',
      `${nic.name}: ${name}: nothing to compare, the NIC has what each of ${shown} would give`,
    )
  }
  return { present, others }
}

/** A word goes to all switches of a tunable at once; sizes are compared with the most that the host allows. */
function candidates(tunable: AnyTunable, nic: ObservedNic): readonly Switches[] {
  const switches = switchesOf(tunable)
  const together = (word: string): Switches => Object.fromEntries(switches.map(({ key }) => [key, word]))
  const [first] = switches
  const words = first === undefined ? [] : wordsOf(first)
  const sizes = switches.flatMap(({ key, values }): [string, number][] => {
    if (values === 'boolean' || !('setting' in values)) return []
    const now = nic.settings.find((one) => one.tunable === tunable.name && one.key === values.setting)
    return now === undefined ? [] : [[key, Number(now.value)]]
  })
  return [...(sizes.length === 0 ? [] : [Object.fromEntries(sizes)]), ...words.map(together)]
}

/** Whether the values of an arm concern this tunable. */
export function isVaried(name: TunableName, { switches }: Arm): boolean {
  const tunable = VARIABLE.find((one) => one.name === name)
  return tunable !== undefined && switchesOf(tunable).some(({ key }) => key in switches)
}

function wordsOf({ values }: Switch): readonly string[] {
  if (values === 'boolean') return []
  return ('words' in values ? values.words : values).filter((word) => word !== KEEP)
}

function describe(switches: Switches): string {
  return Object.entries(switches)
    .map(([key, value]) => `${key} ${value}`)
    .join(' and ')
}
