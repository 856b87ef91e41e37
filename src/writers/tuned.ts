/** tuned: the active profile and the profiles it includes. */
import { findPrograms } from '../kernel/processes'
import type { System } from '../system/system'
import { type IniSections, parseIni } from './ini'
import { certainIf, globMatches, type Match, readableText, type Writer, type WriterTarget } from './writer'

/** A section of a profile after inclusion. */
export interface TunedSection {
  readonly name: string
  readonly options: ReadonlyMap<string, string>
  /** File of the last definition of `channels`, or of the section. */
  readonly where: string
}

/** Sections of the active profile that set channels, or that move interrupts. */
export function findTuned(system: System, nic: WriterTarget): readonly Writer[] {
  const active = readableText(system, system.paths.writers.tunedActiveProfile) ?? ''
  const profiles = active.trim().split(/\s+/).filter(Boolean)
  const isRunning = findPrograms(system, [{ name: 'tuned', script: true }]).length > 0
  return activeSections(system, profiles).flatMap((section) => {
    const writer = sectionWriter(section, nic, profiles.join(' '))
    return writer === undefined ? [] : [certainIf(isRunning, writer)]
  })
}

function sectionWriter(section: TunedSection, nic: WriterTarget, profile: string): Writer | undefined {
  const { options, where, name } = section
  if (['0', 'false', 'False', 'no'].includes(options.get('enabled') ?? '')) return undefined
  const type = options.get('type') ?? name
  const common = { writer: 'tuned', where } as const
  const channels = options.get('channels')
  if (type === 'net' && channels !== undefined) {
    const verdict = meansNic(section, nic)
    if (verdict === 'no') return undefined
    const what = `profile ${profile} sets channels = ${channels} in [${name}]`
    return {
      ...common,
      what,
      tunable: 'channels',
      matches: verdict,
      remedy: `remove channels= from ${where}, or set on-conflict = "yield" for this NIC`,
    }
  }
  const isolated = type === 'scheduler' ? options.get('isolated_cores') : undefined
  if (isolated !== undefined && isolated !== '' && options.get('irq_process') !== 'false') {
    const what = `profile ${profile} moves interrupts away from isolated_cores = ${isolated} in [${name}]`
    return {
      ...common,
      what,
      tunable: 'irq-affinity',
      matches: 'maybe',
      remedy: `set irq_process = false in ${where}`,
    }
  }
  if (type === 'irq') {
    const what = `profile ${profile} sets IRQ affinity in [${name}]`
    return {
      ...common,
      what,
      tunable: 'irq-affinity',
      matches: 'maybe',
      remedy: `remove [${name}] from the profile`,
    }
  }
  return undefined
}

/** Whether the devices of a section include the NIC; see tuned's plugin base: devices= are globs, ! excludes. */
function meansNic({ options }: TunedSection, nic: WriterTarget): Match {
  const regex = options.get('devices_udev_regex')
  if (regex !== undefined) return meansByProperties(regex, nic)
  const devices = (options.get('devices') ?? '*').split(/[,;\s]+/).filter(Boolean)
  if (devices.some((device) => device.includes('${'))) return 'maybe'
  const excluded = devices.filter((device) => device.startsWith('!')).map((device) => device.slice(1))
  const included = devices.filter((device) => !device.startsWith('!'))
  if (excluded.some((glob) => globMatches(glob, nic.name))) return 'no'
  return included.length === 0 || included.some((glob) => globMatches(glob, nic.name)) ? 'yes' : 'no'
}

/** tuned searches the text of all udev properties, of which we know some. */
function meansByProperties(pattern: string, nic: WriterTarget): Match {
  try {
    const regex = new RegExp(pattern, 'm')
    if (regex.test(`ID_NET_DRIVER=virtio_net\nINTERFACE=${nic.name}\nID_BUS=${nic.bus}`)) return 'yes'
  } catch {
    return 'maybe'
  }
  return /ID_NET_DRIVER|INTERFACE/.test(pattern) ? 'no' : 'maybe'
}

/** Sections of several profiles, later ones over earlier ones, as tuned merges them. */
export function activeSections(system: System, profiles: readonly string[]): readonly TunedSection[] {
  const merged = new Map<string, TunedSection>()
  for (const profile of profiles) addProfile(system, profile, merged, new Set())
  return [...merged.values()]
}

function addProfile(
  system: System,
  profile: string,
  merged: Map<string, TunedSection>,
  seen: Set<string>,
): void {
  // An include that cannot be named without tuned's variables, or that includes itself, is left out.
  if (seen.has(profile) || !/^[\w.@+-]+$/.test(profile) || profile.startsWith('.')) return
  seen.add(profile)
  const file = profileFile(system, profile)
  if (file === undefined) return
  for (const included of includedProfiles(file.sections)) addProfile(system, included, merged, seen)
  for (const [name, pairs] of file.sections) {
    if (name === 'main' || name === 'variables') continue
    const own = new Map(pairs)
    const before = own.get('replace') === '1' ? undefined : merged.get(name)
    const keepsWhere = before !== undefined && !own.has('channels') && before.options.has('channels')
    const options = new Map([...(before?.options ?? []), ...own])
    merged.set(name, { name, options, where: keepsWhere ? before.where : file.path })
  }
}

function profileFile(system: System, profile: string): { path: string; sections: IniSections } | undefined {
  for (const directory of system.paths.writers.tunedProfileDirs) {
    const path = `${directory}/${profile}/tuned.conf`
    const text = readableText(system, path)
    if (text !== undefined) return { path, sections: parseIni(text) }
  }
  return undefined
}

/** `include=a b` and `include=a,-${x}`: the names before a variable are known. */
function includedProfiles(sections: IniSections): readonly string[] {
  const value = sections.get('main')?.findLast(([key]) => key === 'include')?.[1] ?? ''
  return value
    .split(/[,;\s]+/)
    .map((name) => name.replace(/^-/, ''))
    .filter(Boolean)
}
